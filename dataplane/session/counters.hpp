// SPDX-License-Identifier: Apache-2.0
// The counters of one worker: plain integers with one writer, copied when somebody scrapes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "dataplane/http/proxy_error.hpp"
#include "dataplane/http2/counts.hpp"
#include "dataplane/net/handshake_counts.hpp"
#include "dataplane/upstream/traffic_counters.hpp"

namespace evergate::session {

using upstream::DurationHistogram;
using upstream::kDurationBounds;
using upstream::StatusCounts;

static_assert(static_cast<std::size_t>(http::ProxyError::count_) <=
              std::tuple_size_v<upstream::ReasonCounts>);

// What came of connections that must begin with a PROXY protocol header.
enum class ProxyHeaderOutcome : std::uint8_t {
    proxied,    // it named the client
    local,      // it named nobody: LOCAL, UNKNOWN, UNSPEC
    malformed,  // or was not there at all
    closed,     // the peer left before its first byte
    timeout,    // incomplete after headTimeout
    count_,
};

std::string_view name(ProxyHeaderOutcome outcome) noexcept;

struct Counters {
    std::uint64_t accepted = 0;           // client connections
    std::uint64_t activeConnections = 0;  // http and tcp
    std::uint64_t idleConnections = 0;    // http, between requests
    std::uint64_t activeRequests = 0;
    std::uint64_t tunnels = 0;                 // upgraded connections open now
    std::uint64_t requests = 0;                // complete heads, refused ones included
    std::array<std::uint64_t, 6> responses{};  // by status class; [0] = no response was sent
    std::array<std::uint64_t, static_cast<std::size_t>(http::ProxyError::count_)> errors{};
    std::uint64_t bytesFromClients = 0;
    std::uint64_t bytesToClients = 0;
    std::uint64_t bytesFromUpstreams = 0;
    std::uint64_t bytesToUpstreams = 0;
    std::uint64_t bytesSpliced = 0;      // of bodies and tunnels, either way, never copied
    std::uint64_t upstreamConnects = 0;  // new connections begun
    std::uint64_t upstreamReuses = 0;    // requests sent on a pooled connection
    std::uint64_t retries = 0;
    std::uint64_t retriesDenied = 0;   // by the budget
    std::uint64_t hedges = 0;          // second connects beside one that took its time
    std::uint64_t tcpConnections = 0;  // accepted by tcp listeners
    std::uint64_t queued = 0;          // requests and tcp connections waiting for a slot now
    DurationHistogram queueWaits;      // of those that waited, however that ended
    net::HandshakeCounts tls;          // with clients
    std::array<std::uint64_t, static_cast<std::size_t>(ProxyHeaderOutcome::count_)> proxyHeaders{};
    http2::ServerCounts http2;     // with clients
    StatusCounts statuses;         // as `responses`, by status code
    DurationHistogram durations;   // whole requests, without tunnels
    DurationHistogram firstBytes;  // until the endpoint's response head

    void add(const Counters& other);  // another worker's
};

}  // namespace evergate::session
