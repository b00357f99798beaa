// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/compose_introduction.hpp"

#include "dataplane/net/proxy_header.hpp"

namespace evergate::session {

std::string composeIntroduction(model::ProxyProtocol version, const net::Socket& client,
                                const net::SocketAddress& source,
                                const net::SocketAddress* destination, std::string_view host) {
    if (version == model::ProxyProtocol::none)
        return {};
    const net::SocketAddress to =
        destination != nullptr ? *destination : net::SocketAddress::localOf(client.fd());
    if (version == model::ProxyProtocol::v1)
        return net::composeProxyV1(source, to);
    std::string_view name;
    if (client.layer() != nullptr)
        name = client.layer()->facts().serverName;
    return net::composeProxyV2(source, to, name.empty() ? host : name);
}

}  // namespace evergate::session
