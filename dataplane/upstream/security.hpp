// SPDX-License-Identifier: Apache-2.0
// How a request wants its connection to an endpoint begun and protected. A connection serves only
// requests that agree in all of it.
#pragma once

#include <memory>
#include <string_view>

namespace evergate::tls {
class ClientContext;
class Engine;
}  // namespace evergate::tls

namespace evergate::upstream {

struct Security {
    tls::Engine* engine = nullptr;                      // of the worker
    std::shared_ptr<const tls::ClientContext> context;  // whom to trust; null: no TLS
    std::string_view serverName;                        // SNI, and the name expected
    // PROXY protocol header, the first bytes of the connection, before TLS; empty: none. It names
    // the client's connection, so nobody else's requests get there.
    std::string_view introduction;
    bool http2 = false;         // by prior knowledge, or ALPN
    bool nameOfClient = false;  // serverName came with the request
};

}  // namespace evergate::upstream
