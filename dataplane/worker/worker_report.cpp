// SPDX-License-Identifier: Apache-2.0
// What a worker tells when asked: copies of its counters and live state.
#include <algorithm>

#include "dataplane/worker/worker.hpp"

namespace evergate::worker {

namespace {

EndpointStats describe(const upstream::EndpointState& endpoint, std::uint32_t nowTick) {
    char text[net::SocketAddress::kMaxText];
    EndpointStats stats;
    stats.address = endpoint.address.text(text);
    stats.port = endpoint.port();
    stats.weight = endpoint.weight;
    stats.retired = endpoint.retired;
    stats.failing = endpoint.backingOff(nowTick);
    stats.active = endpoint.activeRequests;
    stats.idle = endpoint.idleConnections;
    stats.requests = endpoint.requests;
    stats.connects = endpoint.connects;
    stats.connectFailures = endpoint.connectFailures;
    stats.failures = endpoint.failures;
    return stats;
}

}  // namespace

WorkerStats Worker::stats() const {
    WorkerStats stats;
    stats.counters = context_.counters;
    for (const auto& state : listeners_) {
        if (!state->closed) {
            stats.listeners.push_back(
                {state->name, state->address, state->accepted, state->active});
        }
    }
    stats.pollerTurns = poller_.loops();
    stats.pollerEvents = poller_.events();
    stats.bufferBytes = buffers_.bytesInUse() + buffers_.bytesFree();
    stats.snapshotVersion = context_.snapshot->snapshot->version;
    stats.acceptPauses = pausesOfClosed_;
    for (const auto& acceptor : acceptors_)
        stats.acceptPauses += acceptor->pauses();
    return stats;
}

std::vector<BackendStats> Worker::backendStats(const std::vector<routing::BackendId>& ids) const {
    std::vector<BackendStats> all;
    const std::uint32_t nowTick = wheel_.nowTick();
    const auto add = [&](routing::BackendId id, const upstream::BackendState& backend) {
        BackendStats stats;
        stats.id = id;
        stats.responsesByClass.assign(backend.counters.byStatusClass.begin(),
                                      backend.counters.byStatusClass.end());
        for (const auto& endpoint : backend.endpoints)
            stats.endpoints.push_back(describe(*endpoint, nowTick));
        for (const auto& endpoint : backend.retired)
            stats.endpoints.push_back(describe(endpoint, nowTick));
        all.push_back(std::move(stats));
    };
    if (ids.empty()) {
        registry_.forEach(add);
        return all;
    }
    for (const routing::BackendId id : ids) {
        if (const upstream::BackendState* backend = registry_.find(id))
            add(id, *backend);
    }
    return all;
}

std::vector<ConnectionInfo> Worker::connections(std::size_t limit) const {
    std::vector<ConnectionInfo> all;
    const std::uint32_t nowTick = wheel_.nowTick();
    for (const session::Session& session : sessions_) {
        if (all.size() == limit)
            break;
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(
            (nowTick - session.acceptedTick()) * net::TimerWheel::kTick);
        all.push_back({index_, session.address().textWithPort(), session.listener().name,
                       std::string(session.phaseName()), std::string(session.endpointText()),
                       session.requests(), static_cast<std::uint64_t>(age.count())});
    }
    return all;
}

}  // namespace evergate::worker
