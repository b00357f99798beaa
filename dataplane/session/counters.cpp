// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/counters.hpp"

namespace evergate::session {
namespace {

template <typename Array>
void addEach(Array& into, const Array& from) {
    for (std::size_t i = 0; i < into.size(); ++i)
        into[i] += from[i];
}

}  // namespace

std::string_view name(ProxyHeaderOutcome outcome) noexcept {
    static constexpr std::array<std::string_view,
                                static_cast<std::size_t>(ProxyHeaderOutcome::count_)>
        kNames{"proxied", "local", "malformed", "closed", "timeout"};
    return kNames[static_cast<std::size_t>(outcome)];
}

void Counters::add(const Counters& other) {
    accepted += other.accepted;
    activeConnections += other.activeConnections;
    idleConnections += other.idleConnections;
    activeRequests += other.activeRequests;
    tunnels += other.tunnels;
    requests += other.requests;
    addEach(responses, other.responses);
    addEach(errors, other.errors);
    bytesFromClients += other.bytesFromClients;
    bytesToClients += other.bytesToClients;
    bytesFromUpstreams += other.bytesFromUpstreams;
    bytesToUpstreams += other.bytesToUpstreams;
    bytesSpliced += other.bytesSpliced;
    upstreamConnects += other.upstreamConnects;
    upstreamReuses += other.upstreamReuses;
    retries += other.retries;
    retriesDenied += other.retriesDenied;
    hedges += other.hedges;
    tcpConnections += other.tcpConnections;
    queued += other.queued;
    queueWaits.merge(other.queueWaits);
    tls.add(other.tls);
    addEach(proxyHeaders, other.proxyHeaders);
    http2.add(other.http2);
    statuses.merge(other.statuses);
    durations.merge(other.durations);
    firstBytes.merge(other.firstBytes);
}

}  // namespace evergate::session
