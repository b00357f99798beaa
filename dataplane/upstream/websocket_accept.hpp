// SPDX-License-Identifier: Apache-2.0
// How the server of a WebSocket shows that it understood (RFC 6455 §4.2.2). Where the endpoint
// speaks HTTP/2 nobody else is left who could (RFC 8441 §5.1).
#pragma once

#include <string>
#include <string_view>

namespace evergate::upstream {

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string webSocketAccept(std::string_view key);

}  // namespace evergate::upstream
