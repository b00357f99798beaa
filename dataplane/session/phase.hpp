// SPDX-License-Identifier: Apache-2.0
// The states of a client connection and the deadline each of them has. Pure.
//
// There is no state without a deadline: deadlineOf() has a positive answer for every phase.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/model/values.hpp"
#include "dataplane/http/proxy_error.hpp"

namespace evergate::session {

enum class Phase : std::uint8_t {
    handshake,         // TLS with the client
    idle,              // between requests
    head,              // part of a request head is here (or the connection is new)
    queued,            // waiting for a slot: every endpoint is at its connection limit
    connecting,        // waiting for the endpoint's handshake
    requestBody,       // waiting for the client to send more of its body
    requestBlocked,    // waiting for the endpoint to take bytes
    awaitingResponse,  // request sent, no response head yet
    responseBody,      // waiting for the endpoint to send more
    clientBlocked,     // waiting for the client to take bytes
    tunnel,            // upgraded: bytes both ways
    tunnelClosing,     // one side of a tunnel has ended, the other not yet
    lingering,  // response sent, reading what the client still sends so that it sees the answer
    count_,
};

std::string_view name(Phase phase) noexcept;

// How long a connection may stay in `phase` without the progress that counts there
// (Exchange::progress). A head must be complete in time, however it trickles.
std::chrono::milliseconds deadlineOf(Phase phase, const model::Settings& settings,
                                     const model::Backend& backend) noexcept;

// What a request fails with when its deadline passes in `phase`; none where there is no request.
http::ProxyError timeoutError(Phase phase) noexcept;

}  // namespace evergate::session
