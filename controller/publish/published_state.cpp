// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/published_state.hpp"

#include <utility>

namespace evergate::controller {

using model::Lane;

namespace {

std::vector<KeyChange> changesOf(const model::Config& before, const model::Delta& delta) {
    std::vector<KeyChange> changes;
    changes.reserve(delta.upserts.size() + delta.deletes.size());
    for (const auto& [key, entry] : delta.upserts) {
        changes.push_back({key, contentOf(before, key), entry.hash});
    }
    for (const model::Key& key : delta.deletes) {
        changes.push_back({key, contentOf(before, key), {}});
    }
    return changes;
}

}  // namespace

std::size_t PublishedState::count(Lane lane) const noexcept {
    const std::size_t endpoints = config_.count(model::Kind::endpoints);
    return lane == Lane::endpoints ? endpoints : config_.entries().size() - endpoints;
}

std::vector<KeyChange> PublishedState::replace(model::Config next, std::uint64_t fullList) {
    std::vector<KeyChange> all;
    for (const Lane lane : {Lane::config, Lane::endpoints}) {
        auto changes = changesOf(config_, model::diff(config_, next, lane));
        all.insert(all.end(), changes.begin(), changes.end());
        record(lane, config_.root(lane), std::move(changes));
    }
    config_ = std::move(next);
    fullList_ = fullList;
    firstFullList_ = ready_ ? firstFullList_ : fullList;
    ready_ = true;
    return all;
}

std::vector<KeyChange> PublishedState::putEndpoints(const model::Key& key, model::Entry entry) {
    const Content before = contentOf(config_, key);
    if (before == Content{entry.hash}) {
        return {};
    }
    std::vector<KeyChange> changes{{key, before, entry.hash}};
    record(Lane::endpoints, config_.root(Lane::endpoints), changes);
    config_.put(key, std::move(entry));
    return changes;
}

void PublishedState::record(Lane lane, const model::RootHash& before,
                            std::vector<KeyChange> changes) {
    if (!changes.empty()) {
        ++versions_[index(lane)];
        rings_[index(lane)].push(before, std::move(changes));
    }
}

}  // namespace evergate::controller
