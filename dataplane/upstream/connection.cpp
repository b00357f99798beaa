// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/connection.hpp"

#include <sys/epoll.h>

#include <cerrno>

#include "dataplane/tls/stream.hpp"
#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/endpoint.hpp"

namespace evergate::upstream {

Connection::Connection(ConnectionPool& pool, EndpointState& endpoint, net::Socket socket)
    : pool_(pool),
      endpoint_(&endpoint),
      socket_(std::move(socket)),
      begun_(std::chrono::steady_clock::now()) {
    ++endpoint_->openConnections;
    ++pool_.open_;
}

Connection::Connection(ConnectionPool& pool, EndpointState& endpoint,
                       std::unique_ptr<net::StreamLayer> stream, ConnectionUser& user)
    : pool_(pool),
      endpoint_(&endpoint),
      user_(&user),
      socket_(std::move(stream)),
      counted_(false),
      stream_(true) {}

Connection::~Connection() {
    if (counted_)
        pool_.uncount(*this);
}

void Connection::onEvents(std::uint32_t events) {
    socket_.noteEvents(events);
    if (connecting_)
        finishConnect(events);
    if (connecting_)
        return;
    if (user_) {
        user_->onUpstream(*this, events);
    } else {
        pool_.onIdleEvent(*this);
    }
}

void Connection::finishConnect(std::uint32_t events) {
    if (!reached_) {
        if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
            return;
        reached_ = true;
        if (events & (EPOLLERR | EPOLLHUP))
            connectError_ = socket_.pendingError();
        if (connectError_ == 0 && !introduction_.empty() && !socket_.sendFirst(introduction_))
            connectError_ = EPIPE;
    }
    if (connectError_ == 0) {
        const net::Handshake state = socket_.handshake();
        if (state == net::Handshake::pending)
            return;
        if (state == net::Handshake::failed)
            connectError_ = EPROTO;
    }
    connecting_ = false;
    pool_.onConnectDone(*this);
}

// Before the first event. False: no TLS can be had, or there is no name to expect.
bool Connection::secure(EndpointState& endpoint, const Security& security) {
    introduction_ = security.introduction;
    if (!security.context)
        return true;
    auto stream = tls::Stream::client(*security.engine, security.context, security.serverName,
                                      endpoint.resumable(), security.http2);
    if (!stream)
        return false;
    context_ = security.context;
    serverName_ = security.serverName;
    nameOfClient_ = security.nameOfClient;
    socket_.setLayer(std::move(stream));
    return true;
}

net::HandshakeFailure Connection::handshakeFailure() const noexcept {
    return socket_.layer() == nullptr ? net::HandshakeFailure::none
                                      : socket_.layer()->facts().failure;
}

// Whether that may be for the server name: it is not in the endpoint's certificate, or, where a
// client chose it, nothing the endpoint would speak TLS for (unrecognized_name and the like).
bool Connection::failedByName() const noexcept {
    const net::HandshakeFailure failure = handshakeFailure();
    return failure == net::HandshakeFailure::verification ||
           (nameOfClient_ && failure == net::HandshakeFailure::alert);
}

void Connection::onTimer() {
    if (!user_)
        pool_.onIdleTimeout(*this);
}

}  // namespace evergate::upstream
