// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/counts.hpp"

namespace evergate::http2 {

std::string_view name(Refusal refusal) noexcept {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(Refusal::count_)> kNames{
        "protocol_error", "malformed_request", "rapid_reset", "header_flood",
        "settings_flood", "ping_flood",        "empty_data",  "tiny_data",
        "control_flood",  "unanswered",        "stalled",     "timeout"};
    return kNames[static_cast<std::size_t>(refusal)];
}

void ServerCounts::add(const ServerCounts& other) noexcept {
    connections += other.connections;
    activeConnections += other.activeConnections;
    streams += other.streams;
    activeStreams += other.activeStreams;
    resetsByClient += other.resetsByClient;
    for (std::size_t i = 0; i < refusals.size(); ++i)
        refusals[i] += other.refusals[i];
}

}  // namespace evergate::http2
