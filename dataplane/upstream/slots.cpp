// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/slots.hpp"

#include "dataplane/upstream/outlier_tally.hpp"

namespace evergate::upstream {
namespace {

using Lock = std::lock_guard<SlotMutex>;  // layering: allow locks: changes of config only

}  // namespace

BackendSlots::BackendSlots(unsigned workers) : fronts_(workers) {
    for (auto& front : fronts_)
        front.store(kNobody);
}

EndpointSlotsPtr BackendSlots::endpoint(const std::string& text) {
    const Lock lock(mutex_);
    if (endpoints_.size() >= pruneAt_) {
        std::erase_if(endpoints_, [](const auto& entry) { return entry.second.expired(); });
        pruneAt_ = 2 * endpoints_.size() + 64;
    }
    std::weak_ptr<EndpointSlots>& known = endpoints_[text];
    EndpointSlotsPtr slots = known.lock();
    if (!slots) {
        slots = std::make_shared<EndpointSlots>();  // layering: allow mutable-shared: decision 11
        known = slots;
    }
    return slots;
}

bool BackendSlots::enter(std::uint32_t most) noexcept {
    if (pending_.fetch_add(1) < most)
        return true;
    pending_.fetch_sub(1);
    return false;
}

int BackendSlots::longestWaiting() const noexcept {
    int worker = -1;
    std::uint64_t oldest = kNobody;
    for (std::size_t i = 0; i < fronts_.size(); ++i) {
        const std::uint64_t ticket = fronts_[i].load();
        if (ticket < oldest) {
            oldest = ticket;
            worker = static_cast<int>(i);
        }
    }
    return worker;
}

SlotTable::SlotTable(unsigned workers, SlotMail* mail)
    : workers_(workers), mail_(mail), outliers_(std::make_unique<OutlierBoard>()) {}

SlotTable::~SlotTable() = default;

std::shared_ptr<BackendSlots> SlotTable::backend(std::uint32_t id) {
    const Lock lock(mutex_);
    std::weak_ptr<BackendSlots>& known = backends_[id];
    std::shared_ptr<BackendSlots> slots = known.lock();
    if (!slots) {
        using Slots = BackendSlots;
        slots = std::make_shared<Slots>(workers_);  // layering: allow mutable-shared: decision 11
        known = slots;
    }
    return slots;
}

}  // namespace evergate::upstream
