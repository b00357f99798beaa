// SPDX-License-Identifier: Apache-2.0
// What a worker tells when asked: copies of its counters and live state.
#include <time.h>

#include <algorithm>

#include "dataplane/worker/worker.hpp"

namespace evergate::worker {

namespace {

// Backends or routes told about in one turn: a scrape must not keep requests waiting.
constexpr std::size_t kReportSlice = 128;
// And how many buckets of timers.
constexpr std::uint32_t kTimerSlice = net::TimerWheel::kBuckets / 16;

EndpointStats describe(const upstream::EndpointState& endpoint, std::uint32_t nowTick) {
    char text[net::SocketAddress::kMaxText];
    EndpointStats stats;
    stats.address = endpoint.address.text(text);
    stats.port = endpoint.port();
    stats.weight = endpoint.weight;
    stats.retired = endpoint.retired;
    stats.up = endpoint.up;
    stats.ejected = endpoint.ejected;
    stats.slowStart = endpoint.share(nowTick) != upstream::EndpointState::kFullShare;
    stats.failing = endpoint.backingOff(nowTick);
    stats.active = endpoint.activeRequests;
    stats.idle = endpoint.idleConnections;
    stats.requests = endpoint.requests;
    stats.connects = endpoint.connects;
    stats.connectFailures = endpoint.connectFailures;
    stats.failures = endpoint.failures;
    return stats;
}

void count(BackendStats& stats, const upstream::EndpointState& endpoint, std::uint32_t nowTick) {
    stats.active += endpoint.activeRequests;
    stats.idle += endpoint.idleConnections;
    if (endpoint.retired) {
        ++stats.draining;
        return;
    }
    ++stats.configured;
    stats.totals.add(endpoint);
    if (!endpoint.up) {
        ++stats.down;
    } else if (endpoint.ejected) {
        ++stats.ejected;
    } else if (endpoint.backingOff(nowTick)) {
        ++stats.failing;
    }
}

BackendStats describe(routing::BackendId id, const upstream::BackendState& backend,
                      std::uint32_t nowTick, bool withEndpoints) {
    BackendStats stats;
    stats.id = id;
    if (backend.counters.traffic)
        stats.traffic = *backend.counters.traffic;
    stats.tcpConnections = backend.counters.tcpConnections;
    stats.totals = backend.counters.departed;
    stats.panic = backend.panic;
    stats.queued = backend.queue ? backend.queue->size() : 0;
    const auto add = [&](const upstream::EndpointState& endpoint) {
        count(stats, endpoint, nowTick);
        if (withEndpoints)
            stats.endpoints.push_back(describe(endpoint, nowTick));
    };
    for (const auto& endpoint : backend.endpoints)
        add(*endpoint);
    for (const auto& endpoint : backend.retired)
        add(endpoint);
    return stats;
}

double threadCpuSeconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

WorkerStats Worker::stats() const {
    WorkerStats stats;
    stats.counters = context_.counters;
    for (const auto& state : listeners_) {
        if (!state->closed) {
            const auto before = acceptedBefore_.find({state->name, state->address});
            const std::uint64_t base = before == acceptedBefore_.end() ? 0 : before->second;
            stats.listeners.push_back({state->name, state->address, base + state->accepted,
                                       state->active, state->refused, state->maxConnections});
        }
    }
    stats.pollerTurns = poller_.loops();
    stats.pollerEvents = poller_.events();
    stats.bufferBytes = buffers_.bytesInUse() + buffers_.bytesFree() + tls_.backlogBytes() +
                        pool_.heldBytes() + context_.compressors.bytes();
    stats.snapshotVersion = context_.snapshot->snapshot->version;
    stats.acceptPauses = pausesOfClosed_;
    for (const auto& acceptor : acceptors_)
        stats.acceptPauses += acceptor->pauses();
    stats.cpuSeconds = threadCpuSeconds();
    stats.loopLag = loopLag_;
    stats.shedShare = static_cast<double>(overload_.share()) / Overload::kEverything;
    stats.bufferPauses = buffers_.pauses();
    stats.bufferOverdrafts = buffers_.overdrafts();
    stats.connectDurations = pool_.counters().connectDurations;
    stats.upstreamTls = pool_.counters().tls;
    stats.compression = context_.compressors.counts();
    return stats;
}

bool Worker::reportStats(std::size_t& next, std::vector<WorkerStats>& into) const {
    if (into.empty())
        into.push_back(stats());
    into.front().timers += wheel_.armed(static_cast<std::uint32_t>(next), kTimerSlice);
    next += kTimerSlice;
    return next >= net::TimerWheel::kBuckets;
}

bool Worker::reportBackends(const BackendSelection& selection, std::size_t& next,
                            std::vector<BackendStats>& into) const {
    const std::uint32_t nowTick = wheel_.nowTick();
    const std::size_t end = selection.ids.empty() ? registry_.size() : selection.ids.size();
    const std::size_t stop = std::min(end, next + kReportSlice);
    for (; next < stop; ++next) {
        const auto id =
            selection.ids.empty() ? static_cast<routing::BackendId>(next) : selection.ids[next];
        if (const upstream::BackendState* backend = registry_.find(id))
            into.push_back(describe(id, *backend, nowTick, selection.endpoints));
    }
    return next == end;
}

bool Worker::reportRoutes(std::size_t& next, std::vector<RouteStats>& into) const {
    const std::size_t end = context_.routeTraffic.size();
    const std::size_t stop = std::min(end, next + kReportSlice);
    for (; next < stop; ++next) {
        const auto index = static_cast<std::uint32_t>(next);
        if (const upstream::TrafficCounters* traffic = context_.routeTraffic.find(index))
            into.push_back({index, *traffic});
    }
    return next == end;
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
