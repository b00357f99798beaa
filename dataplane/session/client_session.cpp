// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/client_session.hpp"
#include "dataplane/session/spare_exchange.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/http/header_names.hpp"

namespace evergate::session {

using http::ParseStatus;
using http::ProxyError;

namespace {

// Pipelined requests answered in one go before others get their turn.
constexpr int kRequestsPerTurn = 32;

// As much as one read may bring: what is framed anew and kept must fit a large buffer, its trailers
// included.
std::size_t holdLimit(const net::Buffer& buffer) noexcept {
    return std::min(buffer.capacity(), BodyFlow::kReadSize);
}

}  // namespace

ClientSession::ClientSession(SessionContext& context, SessionOwner& owner, ListenerState& listener,
                             net::Socket socket, const net::SocketAddress& address)
    : Session(context, listener, address), owner_(owner), socket_(std::move(socket)) {
    addressSize_ = static_cast<std::uint8_t>(this->address().text(addressText_).size());
    handshaking_ = socket_.layer() != nullptr;
}

void ClientSession::start() {
    advance();
}

void ClientSession::resume() {
    if (closed_)
        return;
    if (exchange_) {
        exchange_->resume();
        settle();
    } else if (lingering_) {
        drainInput();
    } else {
        advance();
    }
}

void ClientSession::closeIfIdle() {
    if (!closed_ && !exchange_ && !lingering_ && !handshaking_ && inputBegin_ == inputEnd_ &&
        !socket_.readable())
        close();
}

void ClientSession::cancel() {
    if (closed_)
        return;
    cutExchange();
    close();
}

Phase ClientSession::phase() const noexcept {
    if (exchange_)
        return exchange_->phase();
    if (lingering_)
        return Phase::lingering;
    if (handshaking_)
        return Phase::handshake;
    return inputBegin_ == inputEnd_ && requests_ != 0 ? Phase::idle : Phase::head;
}

std::string_view ClientSession::endpointText() const noexcept {
    return exchange_ ? exchange_->endpointText() : std::string_view();
}

void ClientSession::onEvents(std::uint32_t events) {
    if (closed_)
        return;
    socket_.noteEvents(events);
    if (exchange_) {
        exchange_->onClientEvents();
        settle();
    } else if (lingering_) {
        drainInput();
    } else {
        advance();
    }
}

void ClientSession::onTimer() {
    if (closed_)
        return;
    if (lazy_) {
        lazy_ = false;
        armed_ = Phase::count_;
        ensureRegistered();
        if (closed_)
            return;
        if (exchange_ && exchange_->clientLeft()) {
            exchange_->onClientEvents();
            return settle();
        }
        return rearm();
    }
    const Phase phase = armed_;
    armed_ = Phase::count_;
    if (exchange_) {
        exchange_->onDeadline();
        settle();
    } else if (handshaking_) {
        handshakeFailed(net::HandshakeFailure::timeout);
    } else if (phase == Phase::head && inputBegin_ != inputEnd_) {
        refuse(ProxyError::headTimeout, "head incomplete");
        settle();
    } else {
        close();
    }
}

void ClientSession::onExchangeEvent() {
    settle();
}

void ClientSession::onExchangeYield() {
    context_.queue.requeue(*this);
}

// Idle or head => requests, until something has to be waited for.
void ClientSession::advance() {
    if (handshaking_ && !shakeHands())
        return;
    for (int started = 0; started < kRequestsPerTurn; ++started) {
        if (!takeRequest())
            return;
        if (!exchange_->finished())
            return rearm();
        if (!endExchange())
            return;
    }
    context_.queue.requeue(*this);
    rearm();
}

// True: an exchange was started (it may be finished). False: waiting, or closed.
bool ClientSession::takeRequest() {
    if (inputBegin_ != inputEnd_ && parseHeld())
        return true;
    if (closed_) [[unlikely]]
        return false;
    for (;;) {
        if (!socket_.readable()) {
            rearm();
            return false;
        }
        if (readMore())
            return true;
        if (closed_)
            return false;
    }
}

bool ClientSession::parseHeld() {
    char* const data = input_.data() + inputBegin_;
    const std::size_t size = inputEnd_ - inputBegin_;
    net::Buffer none;
    return parse(data, size, none);
}

// True: an exchange was started.
bool ClientSession::readMore() {
    const bool partial = inputBegin_ != inputEnd_;
    if (partial)
        makeRoom();
    net::Buffer& scratch = context_.scratch();
    char* const into = partial ? input_.data() + inputEnd_ : scratch.data();
    const std::size_t space = partial ? holdLimit(input_) - inputEnd_ : BodyFlow::kReadSize;
    const net::IoResult got = socket_.recv(into, space);
    if (got.wouldBlock())
        return false;
    if (got.bytes <= 0) {
        close();
        return false;
    }
    const auto size = static_cast<std::size_t>(got.bytes);
    if (!partial)
        return parse(scratch.data(), size, scratch);
    inputEnd_ += static_cast<std::uint32_t>(size);
    return parseHeld();
}

// Parses the head at data[0]; `buffer` holds it and may be taken over (none: it is in input_).
bool ClientSession::parse(char* data, std::size_t size, net::Buffer& buffer) {
    const model::Settings& settings = context_.settings();
    http::RequestHead& head = context_.requestHead;
    const http::ParseResult result = http::parseRequestHead(
        std::string_view(data, size), {settings.maxHeadBytes, settings.maxHeaders}, scanned_, head);
    if (result.status == ParseStatus::incomplete) {
        if (context_.buffers.full()) [[unlikely]] {
            refuse(ProxyError::bufferMemory, "head incomplete");
            return true;
        }
        if (buffer)
            keepPartial(data, size);
        return false;
    }
    scanned_ = 0;
    if (!buffer)
        inputBegin_ = inputEnd_;  // taken; onLeftover() gives back what is not this request's
    if (result.status == ParseStatus::error) {
        if (speaksHttp2({data, size})) {
            handOver({data, size});
            return false;
        }
        refuse(result.error, result.detail);
        return true;
    }
    if (!http::restrictUnderscores(head, settings.headerUnderscores)) [[unlikely]] {
        refuse(ProxyError::badRequest, "underscore in a field name");
        return true;
    }
    ++requests_;
    exchange_ = newExchange();
    exchange_->start(facts(), *this, data + head.headBytes, size - head.headBytes, buffer);
    if (inputBegin_ == inputEnd_)
        input_.reset();
    return true;
}

void ClientSession::keepPartial(const char* data, std::size_t size) {
    input_ = size < net::BufferPool::kSmall ? context_.buffers.small() : context_.buffers.large();
    std::memcpy(input_.data(), data, size);
    inputBegin_ = 0;
    inputEnd_ = static_cast<std::uint32_t>(size);
}

// Room behind what is held: to the front of the buffer, else into a larger one.
void ClientSession::makeRoom() {
    if (inputEnd_ < holdLimit(input_))
        return;
    const std::size_t size = inputEnd_ - inputBegin_;
    if (inputBegin_ != 0) {
        std::memmove(input_.data(), input_.data() + inputBegin_, size);
    } else {
        net::Buffer larger = context_.buffers.large();
        std::memcpy(larger.data(), input_.data(), size);
        input_ = std::move(larger);
    }
    inputBegin_ = 0;
    inputEnd_ = static_cast<std::uint32_t>(size);
}

void ClientSession::onLeftover(std::string_view bytes) {
    const char* const held = input_.data();
    if (input_ && bytes.data() >= held && bytes.data() < held + input_.capacity()) {
        inputBegin_ = static_cast<std::uint32_t>(bytes.data() - held);
        inputEnd_ = inputBegin_ + static_cast<std::uint32_t>(bytes.size());
        return;
    }
    keepPartial(bytes.data(), bytes.size());
}

std::string_view ClientSession::takeLeftover() {
    if (inputBegin_ == inputEnd_)
        return {};
    const std::string_view bytes(input_.data() + inputBegin_, inputEnd_ - inputBegin_);
    inputBegin_ = inputEnd_;
    return bytes;
}

// No exchange => one that only answers.
void ClientSession::refuse(ProxyError error, const char* detail) {
    ++requests_;
    inputBegin_ = inputEnd_;
    exchange_ = newExchange();
    exchange_->refuse(facts(), *this, error, detail);
}

std::unique_ptr<Exchange> ClientSession::newExchange() {
    noteIdle(false);
    return takeExchange(context_);
}

ClientFacts ClientSession::facts() noexcept {
    return {socket_, listener_, address(), std::string_view(addressText_, addressSize_),
            destination()};
}

}  // namespace evergate::session
