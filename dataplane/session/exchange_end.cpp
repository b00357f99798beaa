// SPDX-License-Identifier: Apache-2.0
// Errors, deadlines, accounting and the end of an exchange.
#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/session/exchange.hpp"
#include "dataplane/upstream/admission.hpp"

namespace evergate::session {

using http::Framing;
using http::ProxyError;

namespace {

// Errors that leave the rest of the connection unreadable, or that say so by definition.
bool endsConnection(ProxyError error) noexcept {
    switch (error) {
        case ProxyError::noRoute:
        case ProxyError::forbiddenSource:
        case ProxyError::noEndpoint:
        case ProxyError::queueFull:
        case ProxyError::queueTimeout:
        case ProxyError::overloaded:  // a new connection would cost more than the next request
        case ProxyError::bufferMemory:
        case ProxyError::connectFailed:
        case ProxyError::connectTimeout:
        case ProxyError::upstreamTls:
        case ProxyError::upstreamTlsVerify:
        case ProxyError::upstreamNoWebSocket:
        case ProxyError::upstreamClosed:
        case ProxyError::upstreamBadResponse:
        case ProxyError::upstreamHeadTooLarge:
        case ProxyError::upstreamTimeout:
            return false;
        default:
            return true;
    }
}

// Seconds; those turned away together do not come back together.
std::uint32_t retryAfter(ProxyError error, upstream::Random& random) noexcept {
    switch (error) {
        case ProxyError::queueFull:
        case ProxyError::queueTimeout:
        case ProxyError::overloaded:
        case ProxyError::bufferMemory:
        case ProxyError::noDescriptors:
        case ProxyError::noLocalPorts:
            return 1 + random.below(3);
        case ProxyError::noEndpoint:
        case ProxyError::draining:
            return 1;
        default:
            return 0;
    }
}

}  // namespace

Phase Exchange::phase() const noexcept {
    switch (state_) {
        case State::queued:
            return Phase::queued;
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
    if (up_.inputDone() || headSent_ < headSize_ || up_.blocked())
        return Phase::requestBlocked;
    return awaitsContinue() ? Phase::awaitingResponse : Phase::requestBody;
}

// The client may wait for a 100 before it sends its body: then it is the endpoint's turn.
bool Exchange::awaitsContinue() const noexcept {
    return expectContinue_ && interims_ == 0 && up_.received() == 0;
}

std::uint64_t Exchange::progress() const noexcept {
    switch (phase()) {
        case Phase::queued:
        case Phase::connecting:
        case Phase::awaitingResponse:  // the bytes of a head that trickles in do not count
            return std::uint64_t{retries_} + (staleRetried_ ? 1 : 0) + interims_ + trySteps_;
        case Phase::requestBody:
            return up_.received() + interims_;
        case Phase::requestBlocked:
            return headSent_ + up_.sent();
        case Phase::clientBlocked:
            return down_.sent();
        case Phase::responseBody:  // the endpoint may be waiting for the rest of the request
        case Phase::tunnel:
        case Phase::tunnelClosing:
            return up_.received() + up_.sent() + down_.received() + down_.sent();
        case Phase::handshake:
        case Phase::idle:
        case Phase::head:
        case Phase::lingering:
        case Phase::count_:
            break;
    }
    return 0;
}

std::chrono::milliseconds Exchange::waitLimit(Phase phase,
                                              std::chrono::milliseconds limit) noexcept {
    if (policy_ != nullptr)
        limit = tryLimit(phase, limit);
    if (grpc_) [[unlikely]]
        limit = grpcLimit(phase, limit);
    // What is there and was not read yet is not waited for.
    const bool forBody = phase == Phase::requestBody && !grpc_ && !client_->readable();
    if (!forBody && !bodyRate_.waiting()) [[likely]]
        return limit;
    bodyRate_.wait(forBody, context_.wheel.nowTick());
    const std::uint32_t rate = context_.settings().minimumBodyRate;
    return forBody && rate != 0 ? std::min(limit, bodyRate_.left(up_.received(), rate)) : limit;
}

bool Exchange::needsClient() const noexcept {
    switch (state_) {
        case State::queued:  // to see it leave
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
    if (std::exchange(tryLimited_, false))
        return onTryLimit(now);
    const ProxyError error = timeoutError(now);
    switch (now) {
        case Phase::connecting:
            endpoint_->noteConnectFailure(context_.wheel.nowTick());
            hedge_.timeOut(context_.pool, *backend_, context_.wheel.nowTick());
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
    if (responseStarted_ || error == ProxyError::clientClosed)
        return cut(error);
    releaseUpstream(false);
    reply(error);
}

// HTTP/1.0 would have to be told that the connection stays; it is not worth it.
bool Exchange::endsWithReply(ProxyError error) const noexcept {
    const bool bodyUnread = !up_.inputDone();
    return !keepAlive_ || bodyUnread || clientMinorVersion_ == 0 || context_.draining ||
           (error != ProxyError::none && endsConnection(error));
}

void Exchange::reply(ProxyError error) {
    error_ = error;
    status_ = http::info(error).status;
    const bool close = endsWithReply(error);
    char text[1024 + http::kMaxServerName];
    const http::ErrorReply what{error,           close,
                                headRequest_,    retryAfter(error, context_.random),
                                context_.date(), context_.settings().serverName};
    const std::size_t size = grpc_ ? grpcReply(what, text, sizeof text)
                                   : http::composeErrorReply(what, text, sizeof text);
    sendReply({text, size}, close);
}

void Exchange::sendReply(std::string_view text, bool close) {
    replyOutcome_ = close ? Outcome::linger : Outcome::keepAlive;
    char* const begin = const_cast<char*>(text.data());
    net::Buffer none;
    responseStarted_ = true;
    if (!down_.send(context_, *client_, Framed{begin, begin + text.size(), {}, 0}, none))
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
                       (down_.blocked() && responseStarted_) ||
                       (state_ == State::tunnel && error == ProxyError::upstreamTruncated);
    finish(reset ? Outcome::reset : Outcome::abort);
}

void Exchange::releaseUpstream(bool reusable) {
    if (!connection_) {
        if (state_ == State::queued)
            leaveQueue();
        return;
    }
    hedge_.drop(context_.pool, *backend_);
    upstream::endUse(*backend_, *endpoint_);
    upstream::giveSlotBack(*backend_, *endpoint_);
    context_.counters.bytesToUpstreams += headSent_ + up_.sent();
    // Clients a proxy named without their port may be several.
    if (reusable && (introduction_.empty() || clientAddress_->port() != 0)) {
        context_.pool.putIdle(std::move(connection_));
    } else {
        // One that does not take its bytes would keep them in the kernel; and what a reset cut off
        // in a tunnel must not look complete.
        const bool broken = state_ == State::tunnel && error_ == ProxyError::clientClosed;
        context_.pool.discard(std::move(connection_), up_.blocked() || broken);
    }
    connection_.reset();
}

void Exchange::finish(Outcome outcome) {
    if (state_ == State::tunnel)
        --context_.counters.tunnels;
    state_ = State::finished;
    account();
    settleBudget();
    if (extras_ != nullptr) [[unlikely]]
        endFilters();
    up_.reset();
    down_.reset();
    held_.reset();
    bigHead_.reset();
    snapshot_.reset();
    target_ = nullptr;
    ownTarget_.reset();
    extras_ = nullptr;
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
    const std::size_t status = StatusCounts::indexOf(responseStarted_ ? status_ : 0);
    ++counters.responses[statusClass];
    counters.statuses.add(status);
    if (error_ != ProxyError::none)
        ++counters.errors[static_cast<std::size_t>(error_)];
    counters.bytesFromClients += up_.received();
    counters.bytesFromUpstreams += down_.received();
    counters.bytesToClients += down_.sent();
    countTraffic(status, micros);
    if (context_.log != nullptr)
        writeLog(micros);
}

// The same numbers for everybody, for the backend and for the route.
void Exchange::countTraffic(std::size_t status, std::uint32_t micros) {
    Counters& counters = context_.counters;
    // A tunnel's length says nothing about how fast we or the endpoint are.
    const bool timed = status_ != 101;
    const std::size_t bucket = DurationHistogram::bucketOf(micros);
    if (timed)
        counters.durations.add(bucket, micros);
    if (target_ == nullptr)
        return;
    const auto count = [&](upstream::TrafficCounters& traffic) {
        traffic.statuses.add(status);
        if (timed)
            traffic.durations.add(bucket, micros);
        traffic.bytesFromClients += up_.received();
        traffic.bytesToClients += down_.sent();
    };
    count(context_.routeTraffic.at(target_->statsIndex));
    if (backend_ == nullptr)
        return;  // the route answered by itself: a redirect, an access list, a body limit
    upstream::TrafficCounters& backend = backend_->counters.counting();
    count(backend);
    backend.retries += retries_ + (staleRetried_ ? 1 : 0);
    ++backend.reasons[static_cast<std::size_t>(error_)];
    if (upstreamMicros_ != 0) {
        const std::size_t firstByte = DurationHistogram::bucketOf(upstreamMicros_);
        backend.firstBytes.add(firstByte, upstreamMicros_);
        counters.firstBytes.add(firstByte, upstreamMicros_);
    }
}

void Exchange::writeLog(std::uint32_t micros) const {
    http::AccessRecord record;
    char address[net::SocketAddress::kMaxText];
    record.unixMicros = startedUnixMicros_;
    record.clientAddress = clientAddress_->text(address);
    record.clientPort = clientAddress_->port();
    const RequestLine line = composedLine();
    record.method = line.method;
    record.target = rewritten_.empty() ? line.target : std::string_view(receivedTarget_);
    record.host = line.authority;
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
    if (const net::StreamLayer* layer = client_->layer()) {
        const net::StreamFacts facts = layer->facts();
        record.tls = {facts.version, facts.cipher, facts.serverName, {}};
    }
    context_.log->write(record);
}

Exchange::RequestLine Exchange::composedLine() const noexcept {
    const std::string_view head(head_, headSize_);
    const std::size_t lineEnd = head.find("\r\n");
    if (lineEnd == std::string_view::npos || lineEnd <= methodSize_ + 10u)
        return {};
    const std::size_t host = lineEnd + 8;
    return {head.substr(0, methodSize_), head.substr(methodSize_ + 1u, lineEnd - methodSize_ - 10u),
            head.substr(host, head.find("\r\n", lineEnd + 2) - host)};
}

std::string_view Exchange::endpointText() const noexcept {
    return endpoint_ ? std::string_view(endpoint_->text) : std::string_view();
}

}  // namespace evergate::session
