// SPDX-License-Identifier: Apache-2.0
// Connection limits: how they come, change and go while requests are under way.
#include "dataplane/upstream/registry.hpp"

namespace evergate::upstream {
namespace {

// Requests that were under way before the limit count under it.
void beginCounting(EndpointState& endpoint, BackendSlots& slots) {
    if (endpoint.slots)
        return;
    endpoint.slots = slots.endpoint(endpoint.text);
    endpoint.slots->add(endpoint.activeRequests);
}

void stopCounting(EndpointState& endpoint) {
    if (!endpoint.slots)
        return;
    endpoint.slots->giveBack(endpoint.activeRequests);
    endpoint.slots.reset();
}

}  // namespace

void Registry::applyLimit(std::uint32_t id, BackendState& state) {
    state.maxConnections = state.policy->maxConnections;
    state.special = state.maxConnections != 0 || !state.policy->affinityCookie.empty();
    if (state.maxConnections != 0) {
        if (!state.queue)
            state.queue = std::make_unique<WaitQueue>(state, id, worker_, *slots_, pool_.poller());
        for (const EndpointPtr& endpoint : state.endpoints)
            beginCounting(*endpoint, state.queue->slots());
    } else if (state.queue) {
        for (const EndpointPtr& endpoint : state.endpoints)
            stopCounting(*endpoint);
        for (EndpointState& endpoint : state.retired)
            stopCounting(endpoint);
    }
    // A higher limit, none any more, or another endpoint: there may be room now.
    if (state.queue && !state.queue->empty())
        state.queue->look();
}

void Registry::receiveSlot(std::uint32_t id, EndpointSlotsPtr slot) {
    if (BackendState& state = backend(id); state.queue) {
        state.queue->receive(std::move(slot));
    } else {
        slot->giveBack();
    }
}

void Registry::lookAtQueue(std::uint32_t id) {
    if (BackendState& state = backend(id); state.queue)
        state.queue->look();
}

void Registry::lookAtQueues() {
    for (const auto& state : backends_) {
        if (state && state->queue && !state->queue->empty())
            state->queue->look();
    }
}

}  // namespace evergate::upstream
