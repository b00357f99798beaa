// SPDX-License-Identifier: Apache-2.0
// What an endpoint is told about the client before anything else, when its backend wants the PROXY
// protocol.
#pragma once

#include <string>
#include <string_view>

#include "common/model/values.hpp"
#include "dataplane/net/address.hpp"
#include "dataplane/net/proxy_header.hpp"
#include "dataplane/net/socket.hpp"

namespace evergate::session {

// `destination`: where the client connected to; null: to the address of `client`. `host`: what it
// asked for, unless its TLS says so. Version 2 also tells what is known of the client's TLS, and
// the unique id that came with it. Empty for ProxyProtocol::none.
std::string composeIntroduction(model::ProxyProtocol version, const net::Socket& client,
                                const net::SocketAddress& source,
                                const net::ProxiedDestination* destination, std::string_view host);

}  // namespace evergate::session
