// SPDX-License-Identifier: Apache-2.0
// The last changes of one lane, so that a data plane that was away briefly gets exactly what it
// missed. Remembers content hashes only. Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "controller/publish/key_change.hpp"

namespace evergate::controller {

class DeltaRing {
public:
    static constexpr std::size_t kMaxDeltas = 64;
    static constexpr std::size_t kMaxKeys = 200'000;  // over all deltas

    // `root`: of the lane before the changes.
    void push(const model::RootHash& root, std::vector<KeyChange> changes);

    // What a data plane at `root` holds of the keys changed since; none when `root` is not known.
    std::optional<Holding> since(const model::RootHash& root) const;

    std::size_t size() const noexcept { return deltas_.size(); }

private:
    struct Delta {
        model::RootHash root;
        std::vector<KeyChange> changes;
    };

    std::deque<Delta> deltas_;
    std::size_t keys_ = 0;
};

}  // namespace evergate::controller
