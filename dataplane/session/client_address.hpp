// SPDX-License-Identifier: Apache-2.0
// Whose request it is, when it came through proxies whose word is believed.
//
// Pure. Each proxy appends the address it saw, so the list is read from its end: entries are
// believed as long as the one before them (at first the peer) is trusted. The client is the first
// that is not; where an entry is no address, the last good one. What a client wrote itself lies to
// the left of its own address and is never reached. X-Forwarded-For is a list of addresses;
// Forwarded is RFC 7239.
#pragma once

#include <optional>
#include <string_view>

#include "common/model/values.hpp"
#include "dataplane/http/head.hpp"
#include "dataplane/net/address.hpp"
#include "dataplane/routing/source_networks.hpp"

namespace evergate::session {

struct SaidClient {
    std::optional<net::SocketAddress> address;  // none: the peer itself; port 0 when not said
    bool https = false;                         // the client spoke TLS to the first of the proxies
};

// Of a request whose peer is trusted.
SaidClient saidClient(const http::RequestHead& head, model::ClientAddressHeader where,
                      const routing::SourceNetworks& trusted) noexcept;

// "10.0.0.9", "10.0.0.9:51234", "2001:db8::9", "[2001:db8::9]:51234"; a port that starts with '_'
// (RFC 7239 §6.3) counts as not said.
std::optional<net::SocketAddress> parseNode(std::string_view text) noexcept;

}  // namespace evergate::session
