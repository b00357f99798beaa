// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/delta_ring.hpp"

#include <algorithm>
#include <utility>

namespace evergate::controller {

void DeltaRing::push(const model::RootHash& root, std::vector<KeyChange> changes) {
    keys_ += changes.size();
    deltas_.push_back({root, std::move(changes)});
    while (deltas_.size() > kMaxDeltas || keys_ > kMaxKeys) {
        keys_ -= deltas_.front().changes.size();
        deltas_.pop_front();
    }
}

std::optional<Holding> DeltaRing::since(const model::RootHash& root) const {
    // The newest match: a configuration that came back to an old state misses the least.
    const auto found = std::find_if(deltas_.rbegin(), deltas_.rend(),
                                    [&](const Delta& delta) { return delta.root == root; });
    if (found == deltas_.rend()) {
        return std::nullopt;
    }
    Holding holding;
    for (auto delta = std::prev(found.base()); delta != deltas_.end(); ++delta) {
        for (const KeyChange& change : delta->changes) {
            holding.emplace(change.key, change.before);  // the first change of a key counts
        }
    }
    return holding;
}

}  // namespace evergate::controller
