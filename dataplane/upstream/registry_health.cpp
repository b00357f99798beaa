// SPDX-License-Identifier: Apache-2.0
// Which endpoints are usable: what active and passive checks say, when that is not believed, and
// how those that come (back) take their share.
#include <algorithm>

#include "dataplane/upstream/outlier_detector.hpp"
#include "dataplane/upstream/registry.hpp"

namespace evergate::upstream {

EndpointState* Registry::locate(std::uint32_t id, const std::string& address, std::uint16_t port) {
    if (!find(id))
        return nullptr;
    std::vector<EndpointPtr>& all = backend(id).endpoints;
    const model::Endpoint wantedKey{address, port};
    const auto at = std::lower_bound(all.begin(), all.end(), wantedKey,
                                     [](const EndpointPtr& endpoint, const model::Endpoint& key) {
                                         return compare(*endpoint, key) < 0;
                                     });
    return at == all.end() || compare(**at, wantedKey) != 0 ? nullptr : at->get();
}

void Registry::setHealth(std::uint32_t id, const std::string& address, std::uint16_t port,
                         bool up) {
    EndpointState* const endpoint = locate(id, address, port);
    if (endpoint == nullptr || endpoint->up == up)
        return;
    endpoint->up = up;
    cameOrWent(backend(id), *endpoint, up);
    // Connections to an endpoint that failed its checks are no better than new ones to it.
    if (!up)
        pool_.closeIdle(*endpoint);
}

void Registry::setEjected(std::uint32_t id, const std::string& address, std::uint16_t port,
                          bool ejected) {
    EndpointState* const endpoint = locate(id, address, port);
    // Without a watch the policy has changed meanwhile: nobody would bring it back.
    if (endpoint == nullptr || endpoint->ejected == ejected || (ejected && !endpoint->watch))
        return;
    endpoint->ejected = ejected;
    cameOrWent(backend(id), *endpoint, !ejected);
}

void Registry::cameOrWent(BackendState& state, EndpointState& endpoint, bool came) {
    if (came && endpoint.healthy())
        beginSlowStart(state, endpoint);
    reassess(state);
    if (state.queue)
        state.queue->look();
}

void Registry::beginSlowStart(const BackendState& state, EndpointState& endpoint) {
    const auto ticks = state.policy->slowStart / net::TimerWheel::kTick;
    endpoint.risingTicks = static_cast<std::uint32_t>(ticks);
    endpoint.risingSince = pool_.nowTick();
}

void Registry::reassess(BackendState& state) {
    std::uint64_t total = 0;
    std::uint64_t good = 0;
    std::uint64_t weight = 0;
    std::uint64_t goodWeight = 0;
    for (const EndpointPtr& endpoint : state.endpoints) {
        if (endpoint->weight == 0)
            continue;
        const bool fine = endpoint->healthy();
        ++total;
        weight += endpoint->weight;
        good += fine ? 1 : 0;
        goodWeight += fine ? endpoint->weight : 0;
    }
    state.panic = good * 100 < state.policy->panicPercent * total;
    state.usableWeight = state.panic || good == 0 ? weight : goodWeight;
    for (const EndpointPtr& endpoint : state.endpoints)
        endpoint->usable = state.panic || endpoint->healthy();
}

void Registry::applyWatch(std::uint32_t id, BackendState& state) {
    const model::OutlierDetection& outlier = state.policy->outlier;
    state.timed =
        outlier.latencyPercent != 0 || state.policy->balance == model::BalanceAlgorithm::ewma;
    const bool on = model::watches(outlier);
    if (!on && !state.watched)
        return;
    state.watched = on;
    for (const EndpointPtr& endpoint : state.endpoints) {
        if (!on) {
            endpoint->watch.reset();
            endpoint->ejected = false;
            continue;
        }
        if (!endpoint->watch) {
            OutlierBoard& board = slots_->outliers();
            endpoint->watch = std::make_unique<OutlierWatch>();
            *endpoint->watch = {board.tally(id, endpoint->text), board.mail(), id, 0};
        }
        endpoint->watch->limit = outlier.consecutiveFailures;
    }
    if (!on)
        reassess(state);
}

}  // namespace evergate::upstream
