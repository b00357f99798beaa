// SPDX-License-Identifier: Apache-2.0
// How exchanges and connections end, and the deadline in between.
#include <algorithm>

#include "dataplane/session/client_session.hpp"

namespace evergate::session {

namespace {

constexpr std::chrono::milliseconds kLazyRegistration{100};
// What a client may still send behind a response that ended its connection.
constexpr std::uint32_t kMaxDiscarded = 1024 * 1024;
constexpr std::size_t kMaxSpareExchanges = 256;

// Phases in which it is the endpoint that has to move.
bool waitsForEndpoint(Phase phase) noexcept {
    return phase == Phase::connecting || phase == Phase::awaitingResponse ||
           phase == Phase::responseBody || phase == Phase::requestBlocked;
}

}  // namespace

// After anything that may have ended the exchange or moved bytes.
void ClientSession::settle() {
    if (closed_ || !exchange_)
        return;
    if (!exchange_->finished())
        return rearm();
    if (endExchange())
        advance();
}

// True: the connection carries on.
bool ClientSession::endExchange() {
    const Outcome outcome = exchange_->outcome();
    if (context_.spareExchanges.size() < kMaxSpareExchanges) {
        context_.spareExchanges.push_back(std::move(exchange_));
    } else {
        // It may be on the stack: it dies after this batch.
        context_.poller.retire(std::make_unique<ExpiredExchange>(std::move(exchange_)));
    }
    exchange_.reset();
    progress_ = 0;
    armed_ = Phase::count_;
    switch (outcome) {
        case Outcome::keepAlive:
            return true;
        case Outcome::linger:
            linger();
            return false;
        case Outcome::reset:
            socket_.closeWithReset();
            break;
        case Outcome::close:
        case Outcome::abort:
            break;
    }
    close();
    return false;
}

// The response is out but the client may still be sending: closing now would reset the connection
// and could destroy the answer on its way (RFC 9112 §9.6).
void ClientSession::linger() {
    socket_.shutdownWrite();
    lingering_ = true;
    inputBegin_ = inputEnd_ = 0;
    input_.reset();
    drainInput();
}

void ClientSession::drainInput() {
    while (socket_.readable()) {
        const net::IoResult got = socket_.recv(context_.scratch().data(), BodyFlow::kReadSize);
        if (got.wouldBlock())
            break;
        if (got.bytes <= 0)
            return close();
        discarded_ += static_cast<std::uint32_t>(got.bytes);
        if (discarded_ > kMaxDiscarded)
            return close();
    }
    rearm();
}

// Every path that waits ends here: the deadline of the phase is armed, and whoever has to move is
// watched.
void ClientSession::rearm() {
    if (closed_)
        return;
    const Phase now = phase();
    const std::uint64_t moved = exchange_ ? exchange_->moved() : 0;
    const bool unchanged = now == armed_ && (moved == progress_ || !progressExtends(now));
    progress_ = moved;
    if (!waitsForEndpoint(now))
        ensureRegistered();
    if (closed_ || (unchanged && armed()))
        return;
    armed_ = now;
    lazy_ = !socket_.registered();
    const model::Backend& policy = exchange_ ? exchange_->policy() : context_.defaultPolicy;
    context_.wheel.arm(*this,
                       lazy_ ? kLazyRegistration : deadlineOf(now, context_.settings(), policy));
}

void ClientSession::ensureRegistered() {
    if (socket_.registered())
        return;
    socket_.setRegistered();
    if (context_.poller.add(socket_.fd(), *this)) {
        if (exchange_)
            exchange_->abandon();
        close();
    }
}

void ClientSession::close() {
    if (closed_)
        return;
    closed_ = true;
    context_.wheel.disarm(*this);
    socket_.close();
    owner_.onSessionClosed(*this);
}

}  // namespace evergate::session
