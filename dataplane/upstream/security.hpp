// SPDX-License-Identifier: Apache-2.0
// How a request wants its connection to an endpoint protected. A connection serves only requests
// that agree in all of it.
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
};

}  // namespace evergate::upstream
