// SPDX-License-Identifier: Apache-2.0
// What a worker tells the control thread when asked: plain values, copied once per scrape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/routing/snapshot.hpp"
#include "dataplane/session/compressor_pool.hpp"
#include "dataplane/session/counters.hpp"
#include "dataplane/upstream/outlier_detector.hpp"
#include "dataplane/upstream/registry.hpp"

namespace evergate::worker {

struct ListenerStats {
    std::string name;
    std::string address;
    std::uint64_t accepted = 0;
    std::uint64_t active = 0;
    std::uint64_t refused = 0;         // over a limit
    std::uint32_t maxConnections = 0;  // of all workers together; 0: no limit of its own
};

// What all workers use of limits they have in common.
struct LimitUse {
    std::uint32_t connections = 0;
    std::size_t clients = 0;      // counted by address: only while there is a limit for each
    std::size_t bufferBytes = 0;  // reserved; 0 without a limit
};

struct WorkerStats {
    session::Counters counters;
    std::vector<ListenerStats> listeners;
    std::uint64_t pollerTurns = 0;
    std::uint64_t pollerEvents = 0;
    std::uint64_t bufferBytes = 0;
    std::uint64_t timers = 0;  // armed
    std::uint64_t snapshotVersion = 0;
    std::uint64_t acceptPauses = 0;  // EMFILE and the like
    double cpuSeconds = 0;           // of the thread
    upstream::DurationHistogram loopLag;
    double shedShare = 0;                // of what is new, 0 to 1
    std::uint64_t bufferPauses = 0;      // body reads put off for want of buffer memory
    std::uint64_t bufferOverdrafts = 0;  // buffers given beyond the budget
    upstream::DurationHistogram connectDurations;
    net::HandshakeCounts upstreamTls;
    session::CompressionCounts compression;
};

struct EndpointStats {
    std::string address;
    std::uint16_t port = 0;
    std::uint32_t weight = 0;
    bool retired = false;
    bool up = true;  // by its health checks
    std::string
        check{};  // how the last of them went; empty: not checked. Set by the control thread
    bool ejected = false;    // by passive checks
    bool slowStart = false;  // takes less than its share yet
    bool failing = false;    // left out for a moment after failed connects
    std::uint64_t active = 0;
    std::uint64_t idle = 0;
    std::uint64_t requests = 0;
    std::uint64_t connects = 0;
    std::uint64_t connectFailures = 0;
    std::uint64_t failures = 0;
};

struct BackendStats {
    routing::BackendId id = 0;
    std::optional<upstream::TrafficCounters> traffic;  // none: no request yet
    std::uint64_t tcpConnections = 0;
    upstream::EndpointTotals totals;  // of all endpoints there ever were
    std::uint64_t active = 0;
    std::uint64_t idle = 0;
    std::uint64_t queued = 0;  // waiting for a slot under maxConnections
    // How many endpoints are configured, and in which state; the rest is ready.
    std::uint64_t configured = 0;
    std::uint64_t down = 0;
    std::uint64_t failing = 0;
    std::uint64_t ejected = 0;
    bool panic = false;                    // its checks are not believed now
    upstream::EjectionCounts ejections{};  // so far; set by the control thread
    std::uint64_t draining = 0;            // not among the configured
    std::vector<EndpointStats> endpoints;
};

struct RouteStats {
    std::uint32_t index = 0;  // routing::Target::statsIndex
    upstream::TrafficCounters traffic;
};

// Everything about backends and routes that saw traffic, summed over workers.
struct TrafficReport {
    std::vector<BackendStats> backends;  // sorted by id
    std::vector<RouteStats> routes;      // sorted by index
};

struct ConnectionInfo {
    unsigned worker = 0;
    std::string client;  // "10.0.0.9:51234"
    std::string listener;
    std::string state;     // phase name
    std::string endpoint;  // empty when none
    std::uint64_t requests = 0;
    std::uint64_t ageSeconds = 0;
};

}  // namespace evergate::worker
