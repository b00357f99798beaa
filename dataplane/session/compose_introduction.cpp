// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/compose_introduction.hpp"

#include "dataplane/net/proxy_header.hpp"

namespace evergate::session {

namespace {

// What the client's TLS says counts, where there is one.
void tellTls(const net::StreamLayer& layer, net::ProxyFacts& facts) {
    const net::StreamFacts tls = layer.facts();
    if (!tls.serverName.empty())
        facts.authority = tls.serverName;
    // An endpoint that goes by it would expect HTTP/2 where requests come to it as HTTP/1.1.
    if (tls.protocol != "h2")
        facts.protocol = tls.protocol;
    facts.tlsVersion = tls.version;
    facts.tlsCipher = tls.cipher;
}

}  // namespace

std::string composeIntroduction(model::ProxyProtocol version, const net::Socket& client,
                                const net::SocketAddress& source,
                                const net::ProxiedDestination* destination, std::string_view host) {
    if (version == model::ProxyProtocol::none)
        return {};
    const net::SocketAddress to = destination != nullptr
                                      ? static_cast<const net::SocketAddress&>(*destination)
                                      : net::SocketAddress::localOf(client.fd());
    if (version == model::ProxyProtocol::v1)
        return net::composeProxyV1(source, to);
    net::ProxyFacts facts{.authority = host};
    if (destination != nullptr)
        facts.uniqueId = destination->uniqueId;
    if (client.layer() != nullptr)
        tellTls(*client.layer(), facts);
    return net::composeProxyV2(source, to, facts);
}

}  // namespace evergate::session
