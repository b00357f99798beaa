// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/registry.hpp"

#include <algorithm>
#include <compare>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace evergate::upstream {
namespace {

// The endpoints in order and without duplicates, whatever the sender did.
std::vector<const model::Endpoint*> sorted(const model::Endpoints& endpoints) {
    std::vector<const model::Endpoint*> result;
    result.reserve(endpoints.endpoints.size());
    for (const model::Endpoint& endpoint : endpoints.endpoints)
        result.push_back(&endpoint);
    const auto key = [](const model::Endpoint* e) { return std::tie(e->address, e->port); };
    const auto less = [&](const auto* a, const auto* b) { return key(a) < key(b); };
    if (!std::is_sorted(result.begin(), result.end(), less))
        std::stable_sort(result.begin(), result.end(), less);
    const auto same = [&](const auto* a, const auto* b) { return key(a) == key(b); };
    result.erase(std::unique(result.begin(), result.end(), same), result.end());
    return result;
}

}  // namespace

std::string endpointText(const model::Endpoint& endpoint) {
    const bool v6 = endpoint.address.find(':') != std::string::npos;
    std::string text;
    text.reserve(endpoint.address.size() + 8);
    if (v6)
        text += '[';
    text += endpoint.address;
    if (v6)
        text += ']';
    return text.append(":").append(std::to_string(endpoint.port));
}

std::strong_ordering compare(const EndpointState& state, const model::Endpoint& endpoint) {
    std::string_view address = state.text;
    address = address.substr(0, address.rfind(':'));
    if (address.front() == '[')
        address = address.substr(1, address.size() - 2);
    if (const auto order = address <=> std::string_view(endpoint.address); order != 0)
        return order;
    return state.port() <=> endpoint.port;
}

Registry::Registry(ConnectionPool& pool)
    : pool_(pool),
      ownSlots_(std::make_unique<SlotTable>(1, nullptr)),
      slots_(ownSlots_.get()),
      defaultPolicy_(std::make_shared<const model::Backend>()) {}

Registry::Registry(ConnectionPool& pool, SlotTable& slots, unsigned worker)
    : pool_(pool),
      slots_(&slots),
      worker_(worker),
      defaultPolicy_(std::make_shared<const model::Backend>()) {}

Registry::~Registry() = default;

BackendState& Registry::backend(std::uint32_t id) {
    if (id >= backends_.size())
        backends_.resize(id + 1);
    auto& slot = backends_[id];
    if (!slot) {
        slot = std::make_unique<BackendState>();
        slot->policy = defaultPolicy_;
    }
    return *slot;
}

const BackendState* Registry::find(std::uint32_t id) const noexcept {
    return id < backends_.size() ? backends_[id].get() : nullptr;
}

void Registry::setPolicy(std::uint32_t id, std::shared_ptr<const model::Backend> policy) {
    BackendState& state = backend(id);
    const bool samePanic = policy && policy->panicPercent == state.policy->panicPercent;
    state.policy = policy ? std::move(policy) : defaultPolicy_;
    state.balancer.stale = true;
    applyLimit(id, state);
    applyWatch(id, state);
    if (!samePanic)
        reassess(state);
}

void Registry::setTrust(std::uint32_t id, const std::shared_ptr<const tls::ClientContext>& trust) {
    BackendState& state = backend(id);
    if (state.trust == trust)
        return;
    state.trust = trust;
    for (const EndpointPtr& endpoint : state.endpoints)
        pool_.closeIdle(*endpoint);
}

void Registry::retire(BackendState& backend, EndpointPtr endpoint) {
    endpoint->retired = true;
    endpoint->watch.reset();
    // What it counts from here on is its own: a sum over endpoints must not shrink with them.
    backend.counters.departed.add(*endpoint);
    pool_.closeIdle(*endpoint);
    // Lives on, and stays listed, while a connection or a request holds it.
    backend.retired.push_back(*endpoint);
}

void Registry::setEndpoints(std::uint32_t id, const model::Endpoints& endpoints) {
    BackendState& state = backend(id);
    std::vector<EndpointPtr> before = std::move(state.endpoints);
    // Those of a backend's first list all begin together: there is nobody to spare them.
    const bool running = !before.empty();
    const std::vector<const model::Endpoint*> wanted = sorted(endpoints);
    state.endpoints.clear();
    state.endpoints.reserve(wanted.size());
    auto old = before.begin();
    for (const model::Endpoint* endpoint : wanted) {
        while (old != before.end() && compare(**old, *endpoint) < 0)
            retire(state, std::move(*old++));
        if (old != before.end() && compare(**old, *endpoint) == 0) {
            (*old)->weight = endpoint->weight;
            state.endpoints.push_back(std::move(*old++));
            continue;
        }
        const auto address = net::SocketAddress::parse(endpoint->address, endpoint->port);
        if (!address)
            continue;
        state.endpoints.emplace_back(
            new EndpointState(*address, endpointText(*endpoint), endpoint->weight));
        if (running)
            beginSlowStart(state, *state.endpoints.back());
    }
    while (old != before.end())
        retire(state, std::move(*old++));
    state.endpoints.shrink_to_fit();
    state.balancer.stale = true;
    applyWatch(id, state);
    reassess(state);
    applyLimit(id, state);
}

void Registry::remove(std::uint32_t id) {
    if (!find(id))
        return;
    setEndpoints(id, {});
    BackendState& state = backend(id);
    state.policy = defaultPolicy_;
    state.trust = nullptr;
    state.balancer = {};
    state.timed = false;
    applyLimit(id, state);
    if (state.queue)
        state.queue->dismissAll();
}

void Registry::recycle(std::uint32_t id) {
    if (find(id))
        backend(id).counters = {};
}

}  // namespace evergate::upstream
