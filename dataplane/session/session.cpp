// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/session.hpp"

namespace evergate::session {

Session::Session(SessionContext& context, ListenerState& listener,
                 const net::SocketAddress& address)
    : context_(context),
      listener_(listener),
      address_(address),
      acceptedTick_(context.wheel.nowTick()) {
    ++listener_.active;
    ++listener_.accepted;
    ++context_.counters.accepted;
    ++context_.counters.activeConnections;
}

Session::~Session() {
    if (queued_)
        context_.queue.forget(*this);
    --listener_.active;
    --context_.counters.activeConnections;
}

void SessionOwner::onHttp2(Session& session, ListenerState&, net::Socket, std::string_view) {
    onSessionClosed(session);
}

}  // namespace evergate::session
