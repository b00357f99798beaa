// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/wait_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dataplane/upstream/admission.hpp"
#include "dataplane/upstream/registry.hpp"

namespace evergate::upstream {

WaitQueue::WaitQueue(BackendState& backend, std::uint32_t id, unsigned worker, SlotTable& table,
                     net::Poller& poller)
    : backend_(backend),
      id_(id),
      worker_(worker),
      mail_(table.mail()),
      poller_(poller),
      slots_(table.backend(id)) {}

WaitQueue::~WaitQueue() {
    assert(waiters_.empty());
}

bool WaitQueue::enter(Waiter& waiter, std::uint32_t most) {
    if (!slots_->enter(most))
        return false;
    waiter.ticket_ = slots_->nextTicket();
    waiters_.push_back(waiter);
    tellFront();
    // A slot may have come free before anybody could see that we wait.
    look();
    return true;
}

void WaitQueue::leave(Waiter& waiter) {
    waiters_.erase(waiters_.iterator_to(waiter));
    slots_->leave();
    tellFront();
}

void WaitQueue::tellFront() {
    slots_->setFront(worker_, waiters_.empty() ? BackendSlots::kNobody : waiters_.front().ticket_);
}

void WaitQueue::look() {
    poller_.atTurnEnd(*this);
}

void WaitQueue::release(EndpointState& endpoint) {
    const EndpointSlotsPtr slot = endpoint.slots;
    const std::uint32_t limit = backend_.maxConnections;
    const bool usable = !endpoint.retired && endpoint.usable && endpoint.consecutiveFailures == 0;
    for (;;) {
        if (usable && !slot->over(limit) && passOn(endpoint))
            return;
        slot->giveBack();
        if (!usable || slots_->longestWaiting() < 0 || !slot->tryTake(limit))
            return;
        // Somebody began to wait in between and may have looked too early.
    }
}

// To whoever has waited longest; false: nobody waits.
bool WaitQueue::passOn(EndpointState& endpoint) {
    const int worker = slots_->longestWaiting();
    if (worker < 0)
        return false;
    if (static_cast<unsigned>(worker) == worker_) {
        granted_.push_back({&endpoint, endpoint.slots});
        look();
    } else {
        mail_->grant(static_cast<unsigned>(worker), id_, endpoint.slots);
    }
    return true;
}

void WaitQueue::receive(EndpointSlotsPtr slot) {
    const auto at = std::find_if(backend_.endpoints.begin(), backend_.endpoints.end(),
                                 [&](const EndpointPtr& each) { return each->slots == slot; });
    if (at == backend_.endpoints.end())
        return surrender(*slot);
    granted_.push_back({*at, std::move(slot)});
    look();
}

void WaitQueue::onTurnEnd() {
    while (!granted_.empty()) {
        Granted first = std::move(granted_.front());
        granted_.erase(granted_.begin());
        distribute(std::move(first));
    }
    if (!waiters_.empty())
        admitWaiting();
}

void WaitQueue::distribute(Granted granted) {
    EndpointState& endpoint = *granted.endpoint;
    // The limit may have gone, or the endpoint, while the slot was on its way.
    const bool usable = endpoint.slots == granted.slot && !endpoint.retired && endpoint.usable;
    const auto first = std::find_if(waiters_.begin(), waiters_.end(), [&](const Waiter& waiter) {
        return usable && waiter.suits(endpoint);
    });
    if (first == waiters_.end())
        return surrender(*granted.slot);
    handOver(*first, endpoint);
}

// Nobody here can use it. Workers where somebody waits look for themselves: passing it around
// could go on for ever.
void WaitQueue::surrender(EndpointSlots& slot) {
    slot.giveBack();
    for (unsigned worker = 0; mail_ != nullptr && worker < slots_->workers(); ++worker) {
        if (worker != worker_ && slots_->waits(worker))
            mail_->look(worker, id_);
    }
}

bool WaitQueue::anyFree() const noexcept {
    return std::any_of(
        backend_.endpoints.begin(), backend_.endpoints.end(),
        [this](const EndpointPtr& endpoint) { return !endpoint->full(backend_.maxConnections); });
}

void WaitQueue::admitWaiting() {
    if (!anyFree())
        return;
    for (auto at = waiters_.begin(); at != waiters_.end();) {
        EndpointState* const endpoint = at->chooseEndpoint();
        if (endpoint == nullptr) {
            if (!at->selective())
                return;
            ++at;
        } else if (takeSlot(backend_, *endpoint)) {
            handOver(*at, *endpoint);
            at = waiters_.begin();
        }
    }
}

void WaitQueue::handOver(Waiter& waiter, EndpointState& endpoint) {
    leave(waiter);
    waiter.onSlot(endpoint);
}

void WaitQueue::dismissAll() {
    while (!waiters_.empty()) {
        Waiter& first = waiters_.front();
        leave(first);
        first.onBackendGone();
    }
}

}  // namespace evergate::upstream
