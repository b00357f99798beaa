// SPDX-License-Identifier: Apache-2.0
// What a worker does with new connections: begins them, or says why not.
#include <utility>

#include "dataplane/http/compose.hpp"
#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/client_session.hpp"
#include "dataplane/session/connection_record.hpp"
#include "dataplane/session/http2_session.hpp"
#include "dataplane/session/tcp_session.hpp"
#include "dataplane/tls/stream.hpp"
#include "dataplane/worker/worker.hpp"

namespace evergate::worker {

namespace {

using http::ProxyError;

constexpr std::size_t kRefusalBytes = 1024 + http::kMaxServerName;
// Those turned away together do not come back together.
constexpr std::uint32_t kRetrySpread = 3;

}  // namespace

void Worker::onAccepted(session::ListenerState& listener, int fd, const net::SocketAddress& peer) {
    net::Socket socket(fd);
    if (!listener.introducers || !listener.introducers->contains(peer.mapped())) [[likely]]
        return onIntroduced(listener, std::move(socket), peer, nullptr);
    // A load balancer; its clients are counted when they are known.
    std::uint64_t clientKey = 0;
    if (const ProxyError refusal = admit(listener, nullptr, clientKey); refusal != ProxyError::none)
        return refuse(listener, std::move(socket), peer, refusal);
    begin(*new session::Introduction(context_, *this, listener, std::move(socket), peer), 0);
}

// The client is known: the peer, or whom it named.
void Worker::onIntroduced(session::ListenerState& listener, net::Socket socket,
                          const net::SocketAddress& client,
                          const net::ProxiedDestination* destination) {
    std::uint64_t clientKey = 0;
    if (const ProxyError refusal = admit(listener, shared(client) ? nullptr : &client, clientKey);
        refusal != ProxyError::none)
        return refuse(listener, std::move(socket), client, refusal);
    session::Session* session = nullptr;
    if (listener.protocol == model::ListenerProtocol::https &&
        context_.snapshot->snapshot->routes.passesThrough(listener.routeIndex)) {
        session =
            new session::SniSession(context_, *this, *this, listener, std::move(socket), client);
    } else {
        session = sessionFor(listener, socket, client);
    }
    if (session == nullptr)
        return limits_.clients.release(*entryOf(listener).connections, clientKey);
    if (destination != nullptr)
        session->setDestination(*destination);
    begin(*session, clientKey);
}

// The name is known.
void Worker::onNamed(session::SniSession& named, session::ListenerState& listener,
                     net::Socket socket, const routing::Target* target,
                     std::string_view serverName) {
    session::Session* session = nullptr;
    if (target != nullptr) {
        session = new session::TcpSession(context_, *this, listener, std::move(socket),
                                          named.address(), *target, serverName);
        ++context_.counters.tcpConnections;
    } else {
        session = sessionFor(listener, socket, named.address());
    }
    if (session == nullptr)
        return onSessionClosed(named);
    session->goOnFrom(named);
    goOn(named, *session);
}

// As its listener's protocol says; null: TLS cannot be had, the socket is closed.
session::Session* Worker::sessionFor(session::ListenerState& listener, net::Socket& socket,
                                     const net::SocketAddress& client) {
    using model::ListenerProtocol;
    const bool tls =
        listener.protocol == ListenerProtocol::https || listener.protocol == ListenerProtocol::tls;
    if (tls && !secure(listener, socket, client)) {
        socket.closeWithReset();
        return nullptr;
    }
    if (!model::carriesBytes(listener.protocol)) {
        if (!tls && speaksOnlyHttp2())
            return new session::Http2Session(context_, *this, listener, std::move(socket), client,
                                             {});
        return new session::ClientSession(context_, *this, listener, std::move(socket), client);
    }
    ++context_.counters.tcpConnections;
    return new session::TcpSession(context_, *this, listener, std::move(socket), client);
}

void Worker::onHttp2(session::Session& before, session::ListenerState& listener, net::Socket socket,
                     std::string_view bytes) {
    goOn(before, *new session::Http2Session(context_, *this, listener, std::move(socket),
                                            before.address(), bytes));
}

// What was counted for the client goes on with it.
void Worker::goOn(session::Session& before, session::Session& session) {
    if (before.destination() != nullptr)
        session.setDestination(*before.destination());
    const std::uint64_t clientKey = before.clientKey();
    sessions_.erase(sessions_.iterator_to(before));
    poller_.retire(std::unique_ptr<net::Retirable>(&before));
    begin(session, clientKey);
}

void Worker::begin(session::Session& session, std::uint64_t clientKey) {
    session.setClientKey(clientKey);
    sessions_.push_back(session);
    session.start();
}

// None: the connection is counted, its session gives it back.
ProxyError Worker::admit(const session::ListenerState& listener, const net::SocketAddress* client,
                         std::uint64_t& clientKey) {
    if (const ProxyError refusal = context_.refusal(); refusal != ProxyError::none)
        return refusal;
    return limits_.clients.admit(*entryOf(listener).connections, entryOf(listener).maxConnections,
                                 client, context_.settings().maxConnectionsPerClient, clientKey);
}

void Worker::onSessionClosed(session::Session& session) {
    limits_.clients.release(*entryOf(session.listener()).connections, session.clientKey());
    sessions_.erase(sessions_.iterator_to(session));
    poller_.retire(std::unique_ptr<net::Retirable>(&session));
}

// Many clients share the connections of a trusted proxy.
bool Worker::shared(const net::SocketAddress& client) const {
    const auto& proxies = context_.snapshot->snapshot->trustedProxies;
    return proxies && proxies->contains(client.mapped());
}

// What is published later is for later handshakes. False: there is nothing to show, or no memory.
bool Worker::secure(const session::ListenerState& listener, net::Socket& socket,
                    const net::SocketAddress& client) {
    auto stream = tls::Stream::server(tls_, context_.snapshot->snapshot->certificates);
    if (!stream)
        return false;
    if (listener.protocol == model::ListenerProtocol::tls)
        stream->serveNoHost();
    stream->offer(context_.settings().http2);
    if (HandshakeLimits& limits = limits_.handshakes; limits.limited()) [[unlikely]] {
        const bool counted = limits.byClient() && !shared(client);
        stream->limitHandshakes(limits, counted ? ClientTable::keyOf(client) : 0);
    }
    socket.setLayer(std::move(stream));
    return true;
}

bool Worker::freeDescriptors() {
    if (pool_.idle() == 0)
        return false;
    pool_.closeAllIdle();
    return true;
}

void Worker::onRefused(session::ListenerState& listener, net::Socket socket,
                       const net::SocketAddress& peer) {
    refuse(listener, std::move(socket), peer, ProxyError::noDescriptors);
}

bool Worker::speaksOnlyHttp2() const noexcept {
    return context_.settings().http2 == model::ClientHttp2::only;
}

// Where HTTP/1.1 is spoken without TLS with an answer; elsewhere a reset is the cheapest that is
// understood.
void Worker::refuse(session::ListenerState& listener, net::Socket socket,
                    const net::SocketAddress& client, ProxyError error) {
    const bool answered = listener.protocol == model::ListenerProtocol::http && !speaksOnlyHttp2();
    ++context_.counters.errors[static_cast<std::size_t>(error)];
    ++entryOf(listener).refused;
    if (context_.log != nullptr)
        logRefusal(listener, client, error, answered);
    if (!answered)
        return socket.closeWithReset();
    // What was not read would turn the close into a reset, and that could overtake the answer.
    socket.recv(context_.scratch().data(), session::BodyFlow::kReadSize);
    char text[kRefusalBytes];
    const http::ErrorReply reply{error,           true,
                                 false,           1 + context_.random.below(kRetrySpread),
                                 context_.date(), context_.settings().serverName};
    const std::size_t size = http::composeErrorReply(reply, text, sizeof text);
    if (const net::IoResult sent = socket.send(text, size); sent.bytes > 0)
        context_.counters.bytesToClients += static_cast<std::uint64_t>(sent.bytes);
    // There was a request, though nobody looked.
    ++context_.counters.requests;
    const std::uint16_t status = http::info(error).status;
    ++context_.counters.responses[status / 100];
    context_.counters.statuses.add(session::StatusCounts::indexOf(status));
}

// There is no request in it, its listener in place of a route.
void Worker::logRefusal(const session::ListenerState& listener, const net::SocketAddress& client,
                        ProxyError error, bool answered) {
    char text[net::SocketAddress::kMaxText];
    http::AccessRecord record = session::connectionRecord(client, text);
    record.tcp = model::carriesBytes(listener.protocol);
    record.status = answered ? http::info(error).status : 0;
    record.route = listener.name;
    record.error = error;
    context_.log->write(record);
}

}  // namespace evergate::worker
