// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/object_tracker.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "controller/translate/translate_options.hpp"

namespace evergate::controller::kubernetes {
namespace {

std::string nameOf(const DecodeProblem& problem) {
    return problem.key ? toText(*problem.key) : problem.problem.object + problem.problem.where;
}

template <typename T>
std::optional<Object> copyOf(const ObjectStore::Map<T>& map, const ObjectName& name) {
    const auto it = map.find(name);
    return it == map.end() ? std::nullopt : std::optional<Object>(it->second);
}

}  // namespace

Change ObjectTracker::listed(ResourceKind kind, std::vector<Decoded> objects, std::uint64_t round) {
    std::vector<Object> good;
    good.reserve(objects.size());
    Malformed problems;
    for (auto& decoded : objects) {
        if (auto* object = std::get_if<Object>(&decoded)) {
            good.push_back(std::move(*object));
            continue;
        }
        auto& problem = std::get<DecodeProblem>(decoded);
        if (auto kept = problem.key ? lastGood(*problem.key) : std::nullopt) {
            good.push_back(std::move(*kept));
        }
        problems.emplace(nameOf(problem), std::move(problem.problem));
    }
    auto change = store_.replaceAll(kind, std::move(good));
    change.config |= problems != malformed(kind);
    malformed(kind) = std::move(problems);
    rounds_[static_cast<std::size_t>(kind)] = round;
    change.merge(allowed(kind));
    return change;
}

Change ObjectTracker::allowed(ResourceKind kind) {
    Change change;
    if (kind == ResourceKind::ingressClass) {
        change.config = std::exchange(classesForbidden_, false);
    } else if (kind == ResourceKind::secret) {
        change.config = std::exchange(secretsForbidden_, false);
    }
    return change;
}

Change ObjectTracker::changed(ResourceKind kind, Decoded object) {
    if (auto* problem = std::get_if<DecodeProblem>(&object)) {
        Change change;
        const auto name = nameOf(*problem);
        auto& known = malformed(kind);
        const auto it = known.find(name);
        change.config = it == known.end() || it->second != problem->problem;
        known.insert_or_assign(name, std::move(problem->problem));
        return change;
    }
    auto& good = std::get<Object>(object);
    const auto key = keyOf(good);
    const bool healed = key && malformed(kind).erase(toText(*key)) > 0;
    auto change = store_.upsert(std::move(good));
    change.config |= healed;
    return change;
}

Change ObjectTracker::erased(const ObjectKey& key) {
    auto change = store_.erase(key);
    change.config |= malformed(key.kind).erase(toText(key)) > 0;
    return change;
}

void ObjectTracker::doWithout(ResourceKind kind) {
    rounds_[static_cast<std::size_t>(kind)] = std::numeric_limits<std::uint64_t>::max();
}

Change ObjectTracker::forbidden(ResourceKind kind, std::uint64_t round) {
    Change change;
    auto& known = rounds_[static_cast<std::size_t>(kind)];
    if (kind == ResourceKind::secret) {
        known = round;
        change.config = !std::exchange(secretsForbidden_, true);
        return change;
    }
    if (kind != ResourceKind::ingressClass) {
        return change;
    }
    if (known == 0 && !ingressClass_.empty()) {
        IngressClass standIn;
        standIn.metadata.id.name = ingressClass_;
        standIn.controller = kControllerName;
        change = store_.upsert(std::move(standIn));
    }
    known = round;
    change.config |= !std::exchange(classesForbidden_, true);
    return change;
}

std::uint64_t ObjectTracker::completeRound() const noexcept {
    return *std::min_element(rounds_.begin(), rounds_.end());
}

std::vector<ObjectProblem> ObjectTracker::problems() const {
    std::vector<ObjectProblem> all;
    for (const auto& ofKind : malformed_) {
        for (const auto& [name, problem] : ofKind) {
            all.push_back(problem);
        }
    }
    if (classesForbidden_) {
        all.push_back(
            {"IngressClass", "",
             "the API server does not let us list IngressClasses: an Ingress is ours only "
             "if it names our class, and no class can be the default"});
    }
    if (secretsForbidden_) {
        all.push_back({"Secret", "",
                       "the API server does not let us list Secrets: https listeners show the "
                       "certificates known so far, else a self-signed one"});
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::optional<Object> ObjectTracker::lastGood(const ObjectKey& key) const {
    switch (key.kind) {
        case ResourceKind::ingress:
            return copyOf(store_.ingresses(), key.name);
        case ResourceKind::ingressClass:
            return copyOf(store_.ingressClasses(), key.name);
        case ResourceKind::service:
            return copyOf(store_.services(), key.name);
        case ResourceKind::endpointSlice:
            return copyOf(store_.endpointSlices(), key.name);
        case ResourceKind::secret:
            return copyOf(store_.secrets(), key.name);
    }
    return std::nullopt;
}

}  // namespace evergate::controller::kubernetes
