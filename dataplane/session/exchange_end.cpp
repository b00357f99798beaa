// SPDX-License-Identifier: Apache-2.0
// Errors, deadlines, accounting and the end of an exchange.
#include <algorithm>
#include <cstring>

#include "dataplane/session/exchange.hpp"

namespace evergate::session {

using http::Framing;
using http::ProxyError;

namespace {

// Errors that leave the rest of the connection unreadable, or that say so by definition.
bool endsConnection(ProxyError error) noexcept {
    switch (error) {
        case ProxyError::noRoute:
        case ProxyError::noEndpoint:
        case ProxyError::connectFailed:
        case ProxyError::connectTimeout:
        case ProxyError::upstreamClosed:
        case ProxyError::upstreamBadResponse:
        case ProxyError::upstreamHeadTooLarge:
        case ProxyError::upstreamTimeout:
            return false;
        default:
            return true;
    }
}

std::uint32_t retryAfter(ProxyError error) noexcept {
    const bool comesBack = error == ProxyError::noEndpoint || error == ProxyError::overloaded ||
                           error == ProxyError::draining;
    return comesBack ? 1 : 0;
}

}  // namespace

Phase Exchange::phase() const noexcept {
    switch (state_) {
        case State::connecting:
            return Phase::connecting;
        case State::replying:
            return Phase::clientBlocked;
        case State::tunnel:
            if (down_.blocked())
                return Phase::clientBlocked;
            if (up_.blocked())
                return Phase::requestBlocked;
            return upEnded_ || downEnded_ ? Phase::tunnelClosing : Phase::tunnel;
        case State::sending:
        case State::responding:
        case State::finished:
            break;
    }
    if (down_.blocked())
        return Phase::clientBlocked;
    if (responseStarted_)
        return Phase::responseBody;
    if (state_ == State::responding)
        return Phase::awaitingResponse;
    return up_.inputDone() || headSent_ < headSize_ || up_.blocked() ? Phase::requestBlocked
                                                                     : Phase::requestBody;
}

std::uint64_t Exchange::progress() const noexcept {
    switch (phase()) {
        case Phase::connecting:
        case Phase::awaitingResponse:  // the bytes of a head that trickles in do not count
            return std::uint64_t{retries_} + (staleRetried_ ? 1 : 0) + interims_;
        case Phase::requestBody:
            return up_.received();
        case Phase::requestBlocked:
            return headSent_ + up_.sent();
        case Phase::clientBlocked:
            return down_.sent();
        case Phase::responseBody:  // the endpoint may be waiting for the rest of the request
        case Phase::tunnel:
        case Phase::tunnelClosing:
            return up_.received() + up_.sent() + down_.received() + down_.sent();
        case Phase::idle:
        case Phase::head:
        case Phase::lingering:
        case Phase::count_:
            break;
    }
    return 0;
}

bool Exchange::needsClient() const noexcept {
    switch (state_) {
        case State::replying:
        case State::tunnel:
            return true;
        case State::sending:
            return down_.blocked() || !(up_.inputDone() || up_.blocked() || headSent_ < headSize_);
        case State::responding:
            return down_.blocked();
        case State::connecting:
        case State::finished:
            break;
    }
    return false;
}

void Exchange::onDeadline() {
    const Phase now = phase();
    const ProxyError error = timeoutError(now);
    switch (now) {
        case Phase::connecting:
            endpoint_->noteConnectFailure(context_.wheel.nowTick());
            retryOrFail(error);
            return;
        case Phase::tunnel:
        case Phase::tunnelClosing:
            return cut(ProxyError::none);
        case Phase::clientBlocked:
            return cut(error);
        case Phase::requestBlocked:
        case Phase::awaitingResponse:
        case Phase::responseBody:
            endpoint_->noteFailure();
            break;
        default:
            break;
    }
    fail(error);
}

void Exchange::abandon() {
    if (state_ != State::finished)
        cut(ProxyError::clientClosed);
}

void Exchange::fail(ProxyError error, const char* detail) {
    (void)detail;  // static text for debugging; the reason label says enough in the log
    if (responseStarted_)
        return cut(error);
    releaseUpstream(false);
    reply(error);
}

void Exchange::reply(ProxyError error) {
    error_ = error;
    status_ = http::info(error).status;
    const bool bodyUnread = !up_.inputDone();
    // HTTP/1.0 would have to be told that the connection stays; it is not worth it.
    const bool close = !keepAlive_ || bodyUnread || clientMinorVersion_ == 0 ||
                       endsConnection(error) || context_.draining;
    replyOutcome_ = close ? Outcome::linger : Outcome::keepAlive;
    char text[1024];
    const http::ErrorReply what{error, close, headRequest_, retryAfter(error), context_.date()};
    const std::size_t size = http::composeErrorReply(what, text, sizeof text);
    net::Buffer none;
    responseStarted_ = true;
    if (!down_.send(context_, *client_, Framed{text, text + size, {}, 0}, none))
        return cut(ProxyError::clientClosed);
    state_ = State::replying;
    flushReply();
}

// replying => finished
void Exchange::flushReply() {
    if (!down_.flush(*client_))
        return cut(ProxyError::clientClosed);
    if (down_.pending().empty())
        finish(replyOutcome_);
}

// Ends the client connection in the middle of whatever it was.
void Exchange::cut(ProxyError error) {
    if (state_ == State::finished)
        return;
    if (error_ == ProxyError::none)
        error_ = error;
    if (!responseStarted_)
        status_ = http::info(error).status;
    releaseUpstream(false);
    const bool reset = closeDelimited_ || error == ProxyError::clientWriteTimeout ||
                       (state_ == State::tunnel && error == ProxyError::upstreamTruncated);
    finish(reset ? Outcome::reset : Outcome::abort);
}

void Exchange::releaseUpstream(bool reusable) {
    if (!connection_)
        return;
    --endpoint_->activeRequests;
    context_.counters.bytesToUpstreams += headSent_ + up_.sent();
    if (reusable) {
        context_.pool.putIdle(std::move(connection_));
    } else {
        // One that does not take its bytes would keep them in the kernel.
        context_.pool.discard(std::move(connection_), up_.blocked());
    }
    connection_.reset();
}

void Exchange::finish(Outcome outcome) {
    if (state_ == State::tunnel)
        --context_.counters.tunnels;
    state_ = State::finished;
    account();
    up_.reset();
    down_.reset();
    held_.reset();
    bigHead_.reset();
    snapshot_.reset();
    target_ = nullptr;
    backend_ = nullptr;
    policy_ = nullptr;
    endpoint_.reset();
    outcome_ = outcome;
}

void Exchange::account() {
    const auto took = std::chrono::steady_clock::now() - startedAt_;
    const auto micros = static_cast<std::uint32_t>(std::min<std::int64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(took).count(), UINT32_MAX));
    Counters& counters = context_.counters;
    --counters.activeRequests;
    const std::size_t statusClass = responseStarted_ ? std::min<std::size_t>(status_ / 100, 5) : 0;
    ++counters.responses[statusClass];
    if (error_ != ProxyError::none)
        ++counters.errors[static_cast<std::size_t>(error_)];
    counters.bytesFromClients += up_.received();
    counters.bytesFromUpstreams += down_.received();
    counters.bytesToClients += down_.sent();
    counters.durations.observe(micros);
    if (backend_ != nullptr) {
        ++backend_->counters.byStatusClass[statusClass];
        backend_->counters.retries += retries_ + (staleRetried_ ? 1 : 0);
        backend_->counters.bytesFromClients += up_.received();
        backend_->counters.bytesToClients += down_.sent();
        backend_->counters.responseTimeMicros += upstreamMicros_;
    }
    if (context_.log != nullptr)
        writeLog(micros);
}

void Exchange::writeLog(std::uint32_t micros) const {
    http::AccessRecord record;
    char address[net::SocketAddress::kMaxText];
    record.unixMicros = startedUnixMicros_;
    record.clientAddress = clientAddress_->text(address);
    record.clientPort = clientAddress_->port();
    // "METHOD target HTTP/1.1\r\nHost: authority\r\n": what composeRequest() begins with.
    const std::string_view head(head_, headSize_);
    const std::size_t lineEnd = head.find("\r\n");
    if (lineEnd != std::string_view::npos && lineEnd > methodSize_ + 10u) {
        record.method = head.substr(0, methodSize_);
        record.target = head.substr(methodSize_ + 1u, lineEnd - methodSize_ - 10u);
        record.host = head.substr(lineEnd + 8, head.find("\r\n", lineEnd + 2) - lineEnd - 8);
    }
    record.minorVersion = clientMinorVersion_;
    record.status = status_;
    record.bytesIn = up_.received();
    record.bytesOut = down_.sent();
    record.durationMicros = micros;
    record.upstreamMicros = upstreamMicros_;
    if (target_ != nullptr) {
        record.route = target_->route;
        record.backend = target_->backend;
    }
    record.endpoint = endpointText();
    record.retries = static_cast<std::uint8_t>(retries_ + (staleRetried_ ? 1 : 0));
    record.error = error_;
    context_.log->write(record);
}

std::string_view Exchange::endpointText() const noexcept {
    return endpoint_ ? std::string_view(endpoint_->text) : std::string_view();
}

}  // namespace evergate::session
