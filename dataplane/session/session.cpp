// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/session.hpp"

#include "dataplane/session/body_flow.hpp"

namespace evergate::session {

namespace {

// What a client may still send behind our last word.
constexpr std::uint32_t kMaxDiscarded = 16 * 1024 * 1024;
constexpr int kDiscardsPerTurn = 8;

}  // namespace

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

std::chrono::milliseconds Session::sinceAccept() const noexcept {
    return (context_.wheel.nowTick() - acceptedTick_) * net::TimerWheel::kTick;
}

void Session::stepAside(const net::Socket& socket) noexcept {
    --context_.counters.accepted;
    --listener_.accepted;
    context_.wheel.disarm(*this);
    if (socket.registered())
        context_.poller.remove(socket.fd());
}

bool Session::discardInput(net::Socket& socket, std::uint32_t& discarded) {
    for (int reads = 0; socket.readable(); ++reads) {
        if (reads == kDiscardsPerTurn) {
            context_.queue.requeue(*this);
            break;
        }
        const net::IoResult got = socket.recv(context_.scratch().data(), BodyFlow::kReadSize);
        if (got.wouldBlock())
            break;
        if (got.bytes <= 0)
            return false;
        discarded += static_cast<std::uint32_t>(got.bytes);
        if (discarded > kMaxDiscarded)
            return false;
    }
    return true;
}

void SessionOwner::onHttp2(Session& session, ListenerState&, net::Socket, std::string_view) {
    onSessionClosed(session);
}

}  // namespace evergate::session
