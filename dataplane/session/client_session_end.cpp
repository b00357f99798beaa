// SPDX-License-Identifier: Apache-2.0
// How exchanges and connections end, and the deadline in between.
#include <algorithm>

#include "dataplane/session/client_session.hpp"
#include "dataplane/session/connection_record.hpp"
#include "dataplane/session/spare_exchange.hpp"

namespace evergate::session {

namespace {

// How soon a client whose socket is not watched yet is looked at; an answer that is there by then
// also goes to a client that closed its side together with the request.
constexpr std::chrono::milliseconds kLazyLook{100};

}  // namespace

// handshake => head; false: waiting, or refused.
bool ClientSession::shakeHands() {
    switch (socket_.handshake()) {
        case net::Handshake::done:
            handshaking_ = false;
            context_.counters.tls.countDone(socket_.layer()->facts());
            if (!agreedOnHttp2(socket_.layer()->facts().protocol))
                return true;
            handOver({});
            break;
        case net::Handshake::pending:
            rearm();
            break;
        case net::Handshake::failed:
            handshakeFailed(socket_.layer()->facts().failure);
            break;
    }
    return false;
}

// What was agreed on stays agreed on, whatever was published since.
bool ClientSession::agreedOnHttp2(std::string_view protocol) const noexcept {
    return protocol == "h2" || (protocol.empty() && onlyHttp2());
}

bool ClientSession::onlyHttp2() const noexcept {
    return context_.settings().http2 == model::ClientHttp2::only;
}

// Its preface begins like a request that nobody makes (RFC 9113 §3.4). With TLS it is agreed on
// before (§3.3).
bool ClientSession::speaksHttp2(std::string_view bytes) const noexcept {
    return bytes.starts_with("PRI * HTTP/2.0\r\n") && requests_ == 0 &&
           socket_.layer() == nullptr && context_.settings().http2 != model::ClientHttp2::off;
}

void ClientSession::handOver(std::string_view bytes) {
    closed_ = true;
    noteIdle(false);
    stepAside(socket_);
    socket_.setRegistered(false);
    owner_.onHttp2(*this, listener_, std::move(socket_), bytes);
}

void ClientSession::handshakeFailed(net::HandshakeFailure failure) {
    context_.counters.tls.countFailed(failure);
    handshaking_ = false;
    if (failure == net::HandshakeFailure::plainHttp && !onlyHttp2()) {
        // It will understand an answer without TLS.
        socket_.setLayer(nullptr);
        refuse(http::ProxyError::plainHttp, "plain HTTP");
        return settle();
    }
    // Who left without a word is a port scan or a health check, and no event.
    if (context_.log != nullptr && failure != net::HandshakeFailure::closed) {
        net::StreamFacts facts = socket_.layer()->facts();
        facts.failure = failure;
        logHandshake(facts);
    }
    close();
}

void ClientSession::logHandshake(const net::StreamFacts& facts) {
    char text[net::SocketAddress::kMaxText];
    http::AccessRecord record = connectionRecord(address(), text);
    record.tls = {facts.version, facts.cipher, facts.serverName, name(facts.failure),
                  facts.untrusted};
    record.error = http::ProxyError::clientTls;
    context_.log->write(record);
}

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
    giveBack(context_, std::move(exchange_));
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
    if (!discardInput(socket_, discarded_))
        return close();
    rearm();
}

// Every path that waits ends here: the deadline of the phase is armed, and whoever has to move is
// watched.
void ClientSession::rearm() {
    if (closed_)
        return;
    if (inputBegin_ == inputEnd_)
        input_.reset();
    const Phase now = phase();
    noteIdle(now == Phase::idle);
    if (needsClient())
        ensureRegistered();
    const bool lookSoon = !socket_.registered() || (exchange_ && exchange_->clientLeft());
    // That tick is not put off by what happens meanwhile.
    if (closed_ || (lazy_ && armed() && lookSoon))
        return;
    const std::uint64_t progress = exchange_ ? exchange_->progress() : 0;
    if (now == armed_ && progress == progress_ && armed())
        return;
    armed_ = now;
    progress_ = progress;
    lazy_ = lookSoon;
    context_.wheel.arm(*this, lazy_ ? kLazyLook : timeFor(now));
}

std::chrono::milliseconds ClientSession::timeFor(Phase phase) noexcept {
    if (phase == Phase::handshake)
        return context_.settings().handshakeTimeout - sinceAccept();
    if (!exchange_)
        return deadlineOf(phase, context_.settings(), context_.defaultPolicy);
    const auto limit = deadlineOf(phase, context_.settings(), exchange_->policy());
    return exchange_->waitLimit(phase, limit);
}

bool ClientSession::needsClient() const noexcept {
    return !exchange_ || exchange_->needsClient();
}

void ClientSession::noteIdle(bool idle) noexcept {
    if (idle == idle_)
        return;
    idle_ = idle;
    context_.counters.idleConnections += idle ? 1 : std::uint64_t(-1);
}

void ClientSession::ensureRegistered() {
    if (socket_.registered())
        return;
    socket_.setRegistered();
    if (context_.poller.add(socket_.fd(), *this)) {
        cutExchange();
        close();
    }
}

// Before a close that does not wait for its exchange.
void ClientSession::cutExchange() {
    if (!exchange_)
        return;
    exchange_->abandon();
    if (exchange_->outcome() == Outcome::reset)
        socket_.closeWithReset();
}

void ClientSession::close() {
    if (closed_)
        return;
    closed_ = true;
    noteIdle(false);
    context_.wheel.disarm(*this);
    socket_.close();
    owner_.onSessionClosed(*this);
}

}  // namespace evergate::session
