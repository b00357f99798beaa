// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/problem_events.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace evergate::controller::writeback {
namespace {

template <typename T>
const Metadata* find(const ObjectStore::Map<T>& map, const ObjectName& name) {
    const auto it = map.find(name);
    return it == map.end() ? nullptr : &it->second.metadata;
}

// The n-th part and the one after it, of "a/b/c".
std::optional<ObjectName> nameAt(std::string_view text, std::size_t n) {
    for (; n > 0; --n) {
        const auto slash = text.find('/');
        if (slash == std::string_view::npos) {
            return std::nullopt;
        }
        text.remove_prefix(slash + 1);
    }
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto name = text.substr(slash + 1);
    ObjectName found{std::string(text.substr(0, slash)),
                     std::string(name.substr(0, name.find('/')))};
    return isObjectName(found.ns) && isObjectName(found.name) ? std::optional(std::move(found))
                                                              : std::nullopt;
}

std::optional<ObjectKey> keyed(ResourceKind kind, std::optional<ObjectName> name) {
    return name ? std::optional(ObjectKey{kind, std::move(*name)}) : std::nullopt;
}

std::string uidOf(const Metadata* metadata) {
    return metadata == nullptr ? std::string() : metadata->uid;
}

}  // namespace

std::optional<ObjectKey> objectBehind(const model::Key& key) {
    const std::string_view name = key.name;
    switch (key.kind) {
        case model::Kind::route:
            // "http/<namespace>/<service>/all" belongs to a listener of a Service.
            return name.starts_with("http/") && name.ends_with("/all")
                       ? keyed(ResourceKind::service, nameAt(name, 1))
                       : keyed(ResourceKind::ingress, nameAt(name, 0));
        case model::Kind::backend:
        case model::Kind::endpoints:
            return keyed(ResourceKind::service, nameAt(name, 0));
        case model::Kind::listener:
            return keyed(ResourceKind::service, nameAt(name, 1));
        case model::Kind::certificate:
            return keyed(ResourceKind::secret, nameAt(name, 0));
        case model::Kind::settings:
            break;
    }
    return std::nullopt;
}

const Metadata* metadataOf(const ObjectStore& store, const ObjectKey& key) {
    switch (key.kind) {
        case ResourceKind::ingress:
            return find(store.ingresses(), key.name);
        case ResourceKind::ingressClass:
            return find(store.ingressClasses(), key.name);
        case ResourceKind::service:
            return find(store.services(), key.name);
        case ResourceKind::endpointSlice:
            return find(store.endpointSlices(), key.name);
        case ResourceKind::secret:
            return find(store.secrets(), key.name);
    }
    return nullptr;
}

std::string reasonOf(const ObjectProblem& problem) {
    constexpr std::array<std::string_view, 3> kConflicts{"already belong", "already taken",
                                                         "differs from that of"};
    const bool conflict = std::any_of(
        kConflicts.begin(), kConflicts.end(),
        [&](std::string_view words) { return problem.what.find(words) != std::string::npos; });
    if (conflict) {
        return "Conflict";
    }
    return problem.where.starts_with("metadata.annotations") ? "InvalidAnnotation" : "InvalidField";
}

std::vector<EventFact> eventsAbout(const ProblemSet& problems, const ObjectStore& store) {
    std::vector<EventFact> facts;
    for (const ObjectProblem& problem : problems.ofObjects) {
        if (auto subject = keyFromText(problem.object)) {
            auto uid = uidOf(metadataOf(store, *subject));
            facts.push_back({std::move(*subject), std::move(uid), true, reasonOf(problem),
                             eventMessage(problem.where, problem.what)});
        }
    }
    for (const auto& [key, problem] : problems.ofKeys) {
        auto subject = objectBehind(key);
        const Metadata* metadata = subject ? metadataOf(store, *subject) : nullptr;
        if (metadata != nullptr) {
            facts.push_back({std::move(*subject), metadata->uid, true, "Rejected",
                             eventMessage(model::toText(key), problem.where + ' ' + problem.what)});
        }
    }
    std::sort(facts.begin(), facts.end());
    facts.erase(std::unique(facts.begin(), facts.end()), facts.end());
    return facts;
}

std::set<ObjectName> refusedIngresses(const ProblemSet& problems) {
    std::set<ObjectName> names;
    for (const auto& entry : problems.ofKeys) {
        auto subject =
            entry.key.kind == model::Kind::route ? objectBehind(entry.key) : std::nullopt;
        if (subject && subject->kind == ResourceKind::ingress) {
            names.insert(std::move(subject->name));
        }
    }
    return names;
}

EventFact syncedEvent(const Ingress& ingress) {
    return {{ResourceKind::ingress, ingress.metadata.id},
            ingress.metadata.uid,
            false,
            "Synced",
            "in effect at every connected data plane"};
}

}  // namespace evergate::controller::writeback
