// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/host_table.hpp"

namespace evergate::routing {

namespace {

const PathTable* find(const TextMap<PathTable>& tables, std::string_view key) noexcept {
    if (tables.empty()) {
        return nullptr;
    }
    const auto it = tables.find(key);
    return it == tables.end() ? nullptr : &it->second;
}

}  // namespace

ComparableHost::ComparableHost(std::string_view host) noexcept {
    if (!host.empty() && host.back() == '.') {
        host.remove_suffix(1);
    }
    tooLong_ = host.size() >= bytes_.size();
    if (tooLong_) {
        return;
    }
    for (const char c : host) {
        const bool upper = c >= 'A' && c <= 'Z';
        bytes_[size_++] = upper ? static_cast<char>(c | 0x20) : c;
    }
}

PathTable& HostTable::at(std::string_view pattern) {
    if (pattern.empty()) {
        hasAny_ = true;
        return any_;
    }
    if (pattern.starts_with("*.")) {
        return wildcards_[std::string(pattern.substr(1))];
    }
    return exact_[std::string(pattern)];
}

void HostTable::finish() {
    any_.finish();
    for (auto& [name, paths] : exact_) {
        paths.finish();
    }
    for (auto& [suffix, paths] : wildcards_) {
        paths.finish();
    }
}

const PathTable* HostTable::exact(std::string_view host) const noexcept {
    return find(exact_, host);
}

const PathTable* HostTable::wildcard(std::string_view host) const noexcept {
    const std::size_t dot = host.find('.');
    const bool hasLabel = dot != std::string_view::npos && dot != 0;
    return hasLabel ? find(wildcards_, host.substr(dot)) : nullptr;
}

const PathRule* HostTable::match(std::string_view host, std::string_view path) const noexcept {
    if (const PathTable* paths = exact(host)) {
        if (const PathRule* rule = paths->match(path)) {
            return rule;
        }
    }
    if (const PathTable* paths = wildcard(host)) {
        if (const PathRule* rule = paths->match(path)) {
            return rule;
        }
    }
    return hasAny_ ? any_.match(path) : nullptr;
}

}  // namespace evergate::routing
