// SPDX-License-Identifier: Apache-2.0
// From the workers' counters and the control thread's facts to what /metrics says.
//
// Pure: everything is in the Scrape. Made once per scrape on the control thread; there is no
// registry and no metric object, so nothing is locked or updated on the request path.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/control/granted_limits.hpp"
#include "dataplane/control/own_sockets.hpp"
#include "dataplane/control/serving_limits.hpp"
#include "dataplane/ocsp/stapler.hpp"
#include "dataplane/worker/worker_stats.hpp"

namespace evergate::dataplane {

// What the control thread knows itself.
struct ControlFacts {
    std::uint64_t configVersion = 0;
    std::uint64_t endpointsVersion = 0;
    double applySeconds = 0;
    std::optional<double> appliedAt;  // seconds since the epoch
    std::uint64_t configsApplied = 0;
    std::uint64_t endpointsApplied = 0;
    std::uint64_t configsRejected = 0;
    std::map<std::string, std::uint64_t> objects;  // by kind
    bool connected = false;
    std::optional<double> rpcAgeSeconds;
    std::uint64_t rpcConnects = 0;
    std::uint64_t rpcFailures = 0;
    std::uint64_t stateWrites = 0;
    std::uint64_t stateWriteFailures = 0;
    bool ready = false;
    bool draining = false;
    std::vector<std::pair<std::string, std::int64_t>> certificates;  // name, end (UNIX time)
    ocsp::StaplerFacts ocsp;
};

// With more objects than this, what they would have of their own is left out.
struct SeriesLimits {
    std::size_t endpoints = 2'000;
    std::size_t routes = 1'000;
    std::size_t histograms = 1'000;  // backends with histograms
};

// A configured route, for labels.
struct RouteFacts {
    std::string_view route;
    std::string_view backend;
    std::string_view host;
    std::string_view path;
    std::string_view origin;
};

struct Scrape {
    std::vector<worker::WorkerStats> workers;
    worker::TrafficReport traffic;
    // Empty for a backend that is not configured any more: it is left out.
    std::function<std::string_view(routing::BackendId)> backendName;
    std::map<std::uint32_t, RouteFacts> routes;  // configured ones, by statsIndex
    std::size_t backendCount = 0;                // configured ones
    std::size_t endpointCount = 0;
    SeriesLimits series;
    ControlFacts control;
    GrantedLimits limits;
    ServingLimits serving;
    worker::LimitUse use;
    std::map<std::string, std::uint64_t> sockets;
    std::optional<std::uint64_t> socketMemory;
    OwnSockets ownSockets;
    std::uint64_t accessLogDropped = 0;
};

// The Prometheus text: the rows of the metric table that have anything to say, in its order.
std::string metricsText(const Scrape& scrape);

// Sums of what is counted in every worker.
session::Counters sumCounters(const std::vector<worker::WorkerStats>& workers);
std::vector<worker::ListenerStats> sumListeners(const std::vector<worker::WorkerStats>& workers);

// "1xx".."5xx"; index 0: "none".
std::string_view codeClass(std::size_t index) noexcept;
// "10.0.0.1:80", "[::1]:80"
std::string endpointText(std::string_view address, std::uint16_t port);

enum class EndpointState : std::uint8_t { ready, failing, draining, down, ejected };
EndpointState stateOf(const worker::EndpointStats& endpoint) noexcept;
std::string_view nameOf(EndpointState state) noexcept;

}  // namespace evergate::dataplane
