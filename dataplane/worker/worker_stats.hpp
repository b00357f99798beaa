// SPDX-License-Identifier: Apache-2.0
// What a worker tells the control thread when asked: plain values, copied once per scrape.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/routing/snapshot.hpp"
#include "dataplane/session/counters.hpp"

namespace evergate::worker {

struct ListenerStats {
    std::string name;
    std::string address;
    std::uint64_t accepted = 0;
    std::uint64_t active = 0;
};

struct WorkerStats {
    session::Counters counters;
    std::vector<ListenerStats> listeners;
    std::uint64_t pollerTurns = 0;
    std::uint64_t pollerEvents = 0;
    std::uint64_t bufferBytes = 0;
    std::uint64_t snapshotVersion = 0;
    std::uint64_t acceptPauses = 0;  // EMFILE and the like
};

struct EndpointStats {
    std::string address;
    std::uint16_t port = 0;
    std::uint32_t weight = 0;
    bool retired = false;
    bool failing = false;  // left out for a moment after failed connects
    std::uint64_t active = 0;
    std::uint64_t idle = 0;
    std::uint64_t requests = 0;
    std::uint64_t connects = 0;
    std::uint64_t connectFailures = 0;
    std::uint64_t failures = 0;
};

struct BackendStats {
    routing::BackendId id = 0;
    std::vector<std::uint64_t> responsesByClass;  // index 1..5 for 1xx..5xx; 0 unused
    std::vector<EndpointStats> endpoints;
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
