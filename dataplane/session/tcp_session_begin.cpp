// SPDX-License-Identifier: Apache-2.0
// How TCP sessions begin: where they lead, who may come, TLS with the client where it ends here.
#include <utility>

#include "dataplane/session/connection_record.hpp"
#include "dataplane/session/tcp_session.hpp"

namespace evergate::session {

using http::ProxyError;

TcpSession::TcpSession(SessionContext& context, SessionOwner& owner, ListenerState& listener,
                       net::Socket socket, const net::SocketAddress& address)
    : Session(context, listener, address),
      owner_(owner),
      socket_(std::move(socket)),
      backend_(context.registry.backend(listener.backendId)),
      policy_(backend_.policy) {
    served_ = !listener.sources || listener.sources->contains(this->address().mapped());
    noteForLog(listener.backend);
}

TcpSession::TcpSession(SessionContext& context, SessionOwner& owner, ListenerState& listener,
                       net::Socket socket, const net::SocketAddress& address,
                       const routing::Target& target, std::string_view serverName)
    : Session(context, listener, address),
      owner_(owner),
      socket_(std::move(socket)),
      backend_(context.registry.backend(target.backendId)),
      policy_(backend_.policy),
      passage_(std::make_unique<const Passage>(Passage{target.route, std::string(serverName)})) {
    const routing::RoutePolicy* const policy = target.policy.get();
    served_ = policy == nullptr || !policy->sources ||
              policy->sources->contains(this->address().mapped());
    noteForLog(target.backend);
}

TcpSession::~TcpSession() = default;

void TcpSession::noteForLog(const std::string& backend) {
    if (context_.log != nullptr)
        backendName_ = backend;
}

void TcpSession::start() {
    startedAt_ = std::chrono::steady_clock::now();
    if (context_.log != nullptr)
        startedUnixMicros_ = unixMicrosNow();
    if (!served_)
        return fail(ProxyError::forbiddenSource, Ending::reset);
    if (context_.poller.add(socket_.fd(), *this))
        return fail(ProxyError::overloaded, Ending::reset);
    socket_.setRegistered();
    if (socket_.layer() == nullptr)
        return connectNext(ProxyError::noEndpoint);
    state_ = State::handshake;
    shakeHands();
}

// handshake => connecting, or on with waiting
void TcpSession::shakeHands() {
    switch (socket_.handshake()) {
        case net::Handshake::done:
            context_.counters.tls.countDone(socket_.layer()->facts());
            state_ = State::connecting;
            return connectNext(ProxyError::noEndpoint);
        case net::Handshake::pending:
            return rearm();
        case net::Handshake::failed:
            return handshakeFailed(socket_.layer()->facts().failure);
    }
}

// Counted and logged as on an https listener.
void TcpSession::handshakeFailed(net::HandshakeFailure failure) {
    context_.counters.tls.countFailed(failure);
    handshakeFailure_ = failure;
    error_ = ProxyError::clientTls;
    close(Ending::close);
}

http::TlsRecord TcpSession::tlsRecord() const {
    if (passage_)
        return {{}, {}, passage_->serverName, {}};
    if (socket_.layer() == nullptr)
        return {};
    const net::StreamFacts facts = socket_.layer()->facts();
    const bool failed = handshakeFailure_ != net::HandshakeFailure::none;
    return {facts.version, facts.cipher, facts.serverName,
            failed ? net::name(handshakeFailure_) : std::string_view(), facts.untrusted};
}

}  // namespace evergate::session
