// SPDX-License-Identifier: Apache-2.0
// What a worker counts about HTTP/2 with clients, and why it ends a connection or stream. Plain
// integers with one writer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace evergate::http2 {

enum class Refusal : std::uint8_t {
    protocolError,  // against the rules (RFC 9113 §5.4), a bad preface included
    malformed,      // a request that is none (§8.1.1): its stream is reset
    rapidReset,     // requests cancelled as fast as they were made
    headerFlood,    // CONTINUATION without end, or fields that unpack to far more than a head
    settingsFlood,
    pingFlood,
    emptyData,     // DATA frames without data
    tinyData,      // or with next to none
    controlFlood,  // WINDOW_UPDATE, PRIORITY and unknown frames, many times what is answered
    unanswered,    // takes no answers while it makes us write more of them
    stalled,       // window or socket closed past the deadline for writing
    timeout,       // no preface, SETTINGS or whole header block in time
    count_,
};

std::string_view name(Refusal refusal) noexcept;

struct ServerCounts {
    std::uint64_t connections = 0;
    std::uint64_t activeConnections = 0;
    std::uint64_t streams = 0;
    std::uint64_t activeStreams = 0;
    std::uint64_t resetsByClient = 0;  // of streams whose response was not over
    std::array<std::uint64_t, static_cast<std::size_t>(Refusal::count_)> refusals{};

    void count(Refusal refusal) noexcept { ++refusals[static_cast<std::size_t>(refusal)]; }

    void add(const ServerCounts& other) noexcept;  // another worker's
};

}  // namespace evergate::http2
