// SPDX-License-Identifier: Apache-2.0
// The counters of one worker: plain integers with one writer, copied when somebody scrapes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/http/proxy_error.hpp"

namespace evergate::session {

// Upper bounds in microseconds of the request duration histogram; the last bucket is +Inf.
inline constexpr std::array<std::uint32_t, 13> kDurationBounds{
    500,     1'000,   2'500,   5'000,     10'000,    25'000,    50'000,
    100'000, 250'000, 500'000, 1'000'000, 5'000'000, 30'000'000};

struct DurationHistogram {
    std::array<std::uint64_t, kDurationBounds.size() + 1> buckets{};  // not cumulative
    std::uint64_t sumMicros = 0;

    void observe(std::uint32_t micros) noexcept {
        std::size_t i = 0;
        while (i < kDurationBounds.size() && micros > kDurationBounds[i])
            ++i;
        ++buckets[i];
        sumMicros += micros;
    }
};

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
    std::uint64_t upstreamConnects = 0;  // new connections begun
    std::uint64_t upstreamReuses = 0;    // requests sent on a pooled connection
    std::uint64_t retries = 0;
    std::uint64_t tcpConnections = 0;  // accepted by tcp listeners
    DurationHistogram durations;
};

}  // namespace evergate::session
