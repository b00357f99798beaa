// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/session_cache.hpp"

#include <algorithm>
#include <utility>

namespace evergate::tls {

SessionCache::Entries::iterator SessionCache::drop(Entries::iterator entry) noexcept {
    byId_.erase(idOf(*entry));
    return entries_.erase(entry);
}

void SessionCache::keep(std::string_view id, const Scope& scope, std::string session,
                        std::int64_t until) {
    if (id.size() != kIdBytes || session.size() > kMostBytes || most_ == 0)
        return;
    forget(id);
    if (byId_.size() == most_)
        drop(std::prev(entries_.end()));
    Entry& entry = entries_.emplace_front(Entry{{}, scope, until, std::move(session)});
    std::copy(id.begin(), id.end(), entry.id.begin());
    byId_.emplace(idOf(entry), entries_.begin());
}

std::string_view SessionCache::find(std::string_view id, const Scope& scope, std::int64_t now) {
    const auto at = byId_.find(id);
    if (at == byId_.end() || at->second->scope != scope)
        return {};
    const auto entry = at->second;
    if (entry->until <= now) {
        drop(entry);
        return {};
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return entry->session;
}

void SessionCache::forget(std::string_view id) noexcept {
    if (const auto at = byId_.find(id); at != byId_.end())
        drop(at->second);
}

void SessionCache::dropExpired(std::int64_t now) noexcept {
    for (auto at = entries_.begin(); at != entries_.end();)
        at = at->until <= now ? drop(at) : std::next(at);
}

}  // namespace evergate::tls
