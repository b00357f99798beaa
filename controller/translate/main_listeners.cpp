// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/main_listeners.hpp"

#include <utility>

namespace evergate::controller {

void emitMainListeners(const TranslateOptions& options, model::Config& config) {
    model::Listener http{options.listenAddress, options.listenPort, model::ListenerProtocol::http};
    http.maxConnections = options.listenerMaxConnections;
    http.proxyProtocolFrom = options.proxyProtocolFrom;
    if (options.https) {
        model::Listener https = http;
        https.address = options.https->address;
        https.port = options.https->port;
        https.protocol = model::ListenerProtocol::https;
        config.put({model::Kind::listener, kHttpsListener}, std::move(https));
    }
    config.put({model::Kind::listener, kHttpListener}, std::move(http));
}

}  // namespace evergate::controller
