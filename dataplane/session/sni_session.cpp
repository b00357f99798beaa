// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/sni_session.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "dataplane/session/connection_record.hpp"
#include "dataplane/tls/client_hello.hpp"

namespace evergate::session {

using net::HandshakeFailure;

SniSession::SniSession(SessionContext& context, SessionOwner& owner, SniOwner& sniOwner,
                       ListenerState& listener, net::Socket socket,
                       const net::SocketAddress& address)
    : Session(context, listener, address),
      owner_(owner),
      sniOwner_(sniOwner),
      socket_(std::move(socket)) {}

void SniSession::start() {
    context_.wheel.arm(*this, context_.settings().handshakeTimeout);
    look();
    if (over_)
        return;
    socket_.setRegistered();
    if (context_.poller.add(socket_.fd(), *this))
        close();
}

void SniSession::closeIfIdle() {
    if (!over_ && !begun_)
        close();
}

void SniSession::cancel() {
    if (!over_)
        close();
}

void SniSession::onEvents(std::uint32_t events) {
    if (over_)
        return;
    socket_.noteEvents(events);
    look();
}

// As a handshake that takes too long anywhere else.
void SniSession::onTimer() {
    if (over_)
        return;
    context_.counters.tls.countFailed(HandshakeFailure::timeout);
    if (context_.log != nullptr)
        writeLog();
    close();
}

// Every arrival is an event of its own, so nothing need be read to hear of the next one.
void SniSession::look() {
    char* const bytes = context_.scratch().data();
    ssize_t got = 0;
    do {
        got = ::recv(socket_.fd(), bytes, tls::kMaxClientHello, MSG_PEEK | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (got <= 0)  // the end, or a reset
        return handOver({});
    begun_ = true;
    tls::ClientHello hello;
    switch (tls::parseClientHello({bytes, static_cast<std::size_t>(got)}, hello)) {
        case tls::ClientHelloStatus::complete:
            return handOver(hello.serverName);
        case tls::ClientHelloStatus::malformed:
            return handOver({});
        case tls::ClientHelloStatus::incomplete:
            if (socket_.hup())
                handOver({});
    }
}

void SniSession::handOver(std::string_view serverName) {
    over_ = true;
    stepAside(socket_);
    const routing::RoutingTable& routes = context_.snapshot->snapshot->routes;
    const routing::Target* const target =
        serverName.empty() ? nullptr : routes.passthrough(listener_.routeIndex, serverName);
    // As new: its first event tells what is there.
    sniOwner_.onNamed(*this, listener_, net::Socket(socket_.release()), target, serverName);
}

void SniSession::writeLog() const {
    char text[net::SocketAddress::kMaxText];
    http::AccessRecord record = connectionRecord(address(), text);
    record.tls.failure = net::name(HandshakeFailure::timeout);
    record.error = http::ProxyError::clientTls;
    context_.log->write(record);
}

void SniSession::close() {
    over_ = true;
    context_.wheel.disarm(*this);
    socket_.close();
    owner_.onSessionClosed(*this);
}

}  // namespace evergate::session
