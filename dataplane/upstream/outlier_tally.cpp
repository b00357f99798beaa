// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/outlier_tally.hpp"

namespace evergate::upstream {
namespace {

using Lock = std::lock_guard<SlotMutex>;  // layering: allow locks: changes of config only

}  // namespace

OutlierReading EndpointTally::read() const noexcept {
    return {requests_.load(), failures_.load(), timed_.load(), latencyMicros_.load()};
}

EndpointTallyPtr OutlierBoard::tally(std::uint32_t backend, const std::string& text) {
    const Lock lock(mutex_);
    if (tallies_.size() >= pruneAt_) {
        std::erase_if(tallies_, [](const auto& entry) { return entry.second.expired(); });
        pruneAt_ = 2 * tallies_.size() + 64;
    }
    std::weak_ptr<EndpointTally>& known = tallies_[{backend, text}];
    EndpointTallyPtr tally = known.lock();
    if (!tally) {
        tally = std::make_shared<EndpointTally>();  // layering: allow mutable-shared: statistics
        known = tally;
    }
    return tally;
}

}  // namespace evergate::upstream
