// SPDX-License-Identifier: Apache-2.0
// What every data plane is to have: the published configuration, a version per lane, and the last
// changes. One object, owned by the publisher, read by its links. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/publish/delta_ring.hpp"

namespace evergate::controller {

class PublishedState {
public:
    // `epoch` names this controller's versions; a new one with every process, because what a data
    // plane really holds is told by its root hashes.
    explicit PublishedState(std::string epoch) : epoch_(std::move(epoch)) {}

    // False until the first publication: nothing is said to a data plane before.
    bool ready() const noexcept { return ready_; }

    const std::string& epoch() const noexcept { return epoch_; }

    const model::Config& config() const noexcept { return config_; }

    std::uint64_t version(model::Lane lane) const noexcept { return versions_[index(lane)]; }

    const DeltaRing& ring(model::Lane lane) const noexcept { return rings_[index(lane)]; }

    std::size_t count(model::Lane lane) const noexcept;

    // A later complete list of the source has agreed with, or corrected, the first one published.
    bool confirmed() const noexcept { return ready_ && fullList_ > firstFullList_; }

    // Replaces both lanes; gives what changed.
    std::vector<KeyChange> replace(model::Config next, std::uint64_t fullList);
    // Costs its own size only. Requires key.kind == endpoints.
    std::vector<KeyChange> putEndpoints(const model::Key& key, model::Entry entry);

private:
    static std::size_t index(model::Lane lane) noexcept { return static_cast<std::size_t>(lane); }

    void record(model::Lane lane, const model::RootHash& before, std::vector<KeyChange> changes);

    std::string epoch_;
    model::Config config_;
    std::array<std::uint64_t, 2> versions_{};
    std::array<DeltaRing, 2> rings_;
    std::uint64_t fullList_ = 0;  // complete lists of the source this is built on
    std::uint64_t firstFullList_ = 0;
    bool ready_ = false;
};

}  // namespace evergate::controller
