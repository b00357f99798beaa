// SPDX-License-Identifier: Apache-2.0
// What a client says first, before anybody has answered: which host it asks for (SNI) and which
// protocols it offers (ALPN), so that its connection can be sent on without ending TLS here.
//
// Record layer (RFC 8446 §5.1, fragments over any number of records), ClientHello (§4.1.2),
// server_name (RFC 6066 §3), application_layer_protocol_negotiation (RFC 7301 §3.1). Pure and
// bounded: reads nothing behind the bytes given, allocates nothing, looks at each byte a fixed
// number of times. What is malformed here is for the TLS layer to refuse: it says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace evergate::tls {

// Of the connection's first bytes, record headers included; a longer one is not looked at. Usual
// are 0.3 to 2 KiB.
inline constexpr std::size_t kMaxClientHello = 16 * 1024;

struct ClientHello {
    std::string_view serverName;  // as sent: any case; empty: none was asked for
    std::string_view protocols;   // a length byte before each name; empty: none was offered
};

enum class ClientHelloStatus : std::uint8_t { incomplete, complete, malformed };

// `bytes`: all that came so far; the fragments in them are moved together in place, so that `out`
// can have views into them. `incomplete`: call again with more, from the start and as it came.
// Never incomplete with kMaxClientHello bytes.
ClientHelloStatus parseClientHello(std::span<char> bytes, ClientHello& out) noexcept;

}  // namespace evergate::tls
