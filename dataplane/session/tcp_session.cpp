// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/tcp_session.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <span>
#include <utility>

#include "dataplane/session/compose_introduction.hpp"
#include "dataplane/session/connection_record.hpp"

namespace evergate::session {

using http::ProxyError;

namespace {

std::uint32_t microsSince(std::chrono::steady_clock::time_point then) noexcept {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - then);
    return static_cast<std::uint32_t>(std::min<std::int64_t>(took.count(), UINT32_MAX));
}

}  // namespace

void TcpSession::resume() {
    if (state_ == State::tunnel)
        pump();
}

void TcpSession::cancel() {
    if (state_ != State::closed)
        close(Ending::reset);
}

std::string_view TcpSession::phaseName() const noexcept {
    if (state_ == State::handshake)
        return name(Phase::handshake);
    if (state_ == State::queued)
        return name(Phase::queued);
    if (state_ == State::connecting)
        return name(Phase::connecting);
    return name(up_.ended || down_.ended ? Phase::tunnelClosing : Phase::tunnel);
}

std::string_view TcpSession::endpointText() const noexcept {
    return endpoint_ ? std::string_view(endpoint_->text) : std::string_view();
}

void TcpSession::onEvents(std::uint32_t events) {
    if (state_ == State::closed)
        return;
    socket_.noteEvents(events);
    if (state_ == State::handshake)
        return shakeHands();
    // A half-closed client still waits for its answer; a reset one does not.
    if ((events & EPOLLERR) || (state_ == State::queued && leftQueue()))
        return fail(ProxyError::clientClosed, Ending::reset);
    if (state_ == State::tunnel)
        pump();
}

void TcpSession::onUpstream(upstream::Connection& connection, std::uint32_t events) {
    if (state_ == State::connecting) {
        if (hedge_.active() && !hedge_.settle(context_.pool, backend_, connection, connection_,
                                              endpoint_, context_.wheel.nowTick()))
            return rearm();
        if (connection_->connectError() != 0)
            return connectFailed(ProxyError::connectFailed);
        beginTunnel();
    }
    // After a reset, what came before it can still be read; then the read fails. Unless its end was
    // read already.
    if ((events & EPOLLERR) && down_.ended)
        return fail(ProxyError::upstreamClosed, Ending::reset);
    pump();
}

// Connects to the endpoint that is next; when there is none, ends with the reason so far.
void TcpSession::connectNext(ProxyError reason, upstream::EndpointState* granted) {
    const std::uint32_t attempts = std::min<std::uint32_t>(policy_->retries + 1, kMaxTried);
    while (triedCount_ < attempts) {
        upstream::EndpointState* picked = std::exchange(granted, nullptr);
        if (picked == nullptr) {
            const ProxyError error = pickNext(picked);
            if (error != ProxyError::none)
                return fail(error, Ending::reset);
            if (state_ == State::queued)
                return rearm();
        }
        if (picked == nullptr)
            break;
        if (triedCount_ != 0)
            ++context_.counters.retries;
        if (connectTo(*picked))
            return rearm();
        upstream::giveSlotBack(backend_, *picked);
        reason = ProxyError::connectFailed;
    }
    fail(reason, Ending::reset);
}

upstream::Wish TcpSession::wish() const noexcept {
    return {{address().hash(), std::span(tried_.data(), triedCount_), context_.wheel.nowTick()}, 0};
}

// An endpoint, with a slot where there are limits; or null, or the state is queued.
ProxyError TcpSession::pickNext(upstream::EndpointState*& picked) {
    bool busy = backend_.maxConnections != 0 && !backend_.queue->empty();
    while (!busy) {
        picked = upstream::choose(backend_, wish(), context_.random, busy);
        if (!busy && (picked == nullptr || upstream::takeSlot(backend_, *picked)))
            return ProxyError::none;
    }
    picked = nullptr;
    if (leftQueue())
        return ProxyError::clientClosed;
    // One that has tried every endpoint has nobody left to wait for.
    const auto left = [this](const upstream::EndpointPtr& each) { return suits(*each); };
    if (triedCount_ != 0 &&
        std::none_of(backend_.endpoints.begin(), backend_.endpoints.end(), left))
        return ProxyError::none;
    if (!backend_.queue->enter(*this, policy_->maxPending))
        return ProxyError::queueFull;
    state_ = State::queued;
    idleSince_ = context_.wheel.nowTick();
    queuedAt_ = std::chrono::steady_clock::now();
    ++context_.counters.queued;
    return ProxyError::none;
}

// Whoever waits in vain costs those behind: with a slot a FIN is a half-close, without it the end.
bool TcpSession::leftQueue() const noexcept {
    return socket_.hup() && (policy_->abortOnClientClose || socket_.broken());
}

// queued => connecting, but for the connection
void TcpSession::leaveQueue() {
    if (Waiter::is_linked())
        backend_.queue->leave(*this);
    state_ = State::connecting;
    --context_.counters.queued;
    context_.counters.queueWaits.observe(microsSince(queuedAt_));
}

upstream::EndpointState* TcpSession::chooseEndpoint() {
    bool busy = false;
    return upstream::choose(backend_, wish(), context_.random, busy);
}

bool TcpSession::suits(const upstream::EndpointState& endpoint) const {
    return upstream::suits(backend_, wish(), endpoint);
}

void TcpSession::onSlot(upstream::EndpointState& endpoint) {
    leaveQueue();
    connectNext(ProxyError::connectFailed, &endpoint);
}

void TcpSession::onBackendGone() {
    fail(ProxyError::noEndpoint, Ending::reset);
}

bool TcpSession::connectTo(upstream::EndpointState& endpoint) {
    tried_[triedCount_++] = &endpoint;
    std::error_code error;
    ++context_.counters.upstreamConnects;
    const std::string introduction = introduce();
    upstream::Security wanted;
    wanted.introduction = introduction;
    connection_ = context_.pool.connect(endpoint, *this, error, wanted);
    if (!connection_)
        return false;
    endpoint_ = &endpoint;
    upstream::beginUse(backend_, endpoint);
    idleSince_ = context_.wheel.nowTick();
    return true;
}

// What the endpoint is told of the client before anything else; mostly nothing.
std::string TcpSession::introduce() const {
    if (policy_->proxyProtocol == model::ProxyProtocol::none)
        return {};
    const std::string_view host = passage_ ? passage_->serverName : std::string_view();
    return composeIntroduction(policy_->proxyProtocol, socket_, address(), destination(), host);
}

bool TcpSession::mayHedge() const noexcept {
    return !hedged_ && policy_->hedgeConnect.count() != 0 &&
           policy_->hedgeConnect < policy_->connectTimeout;
}

// A second connect, of the other address family where there is one. Nothing was sent on either.
void TcpSession::beginHedge() {
    hedged_ = true;
    upstream::EndpointState* const other =
        upstream::takeSecond(backend_, *endpoint_, wish().pick, context_.random);
    if (other == nullptr)
        return;
    ++context_.counters.hedges;
    ++context_.counters.upstreamConnects;
    const std::string introduction = introduce();
    upstream::Security wanted;
    wanted.introduction = introduction;
    hedge_.begin(context_.pool, backend_, *other, *this, wanted);
}

void TcpSession::connectFailed(ProxyError error) {
    releaseUpstream(Ending::close);
    connectNext(error);
}

void TcpSession::releaseUpstream(Ending ending) {
    if (!connection_)
        return;
    hedge_.drop(context_.pool, backend_);
    upstream::endUse(backend_, *endpoint_);
    upstream::giveSlotBack(backend_, *endpoint_);
    context_.pool.discard(std::move(connection_), ending == Ending::reset);
}

void TcpSession::beginTunnel() {
    state_ = State::tunnel;
    connection_->noteRequest();
    endpoint_->noteServed(0);
    ++context_.counters.tunnels;
    connectMicros_ = microsSince(startedAt_);
    idleSince_ = context_.wheel.nowTick();
    ++backend_.counters.tcpConnections;
    for (Way* way : {&up_, &down_})
        way->flow.start(http::Framing::untilClose, 0, http::Framing::untilClose);
}

void TcpSession::pump() {
    net::Socket& upstream = connection_->socket();
    if (!pumpWay(up_, socket_, upstream) || !pumpWay(down_, upstream, socket_))
        return;
    if (up_.ended && down_.ended)
        return close(Ending::close);
    rearm();
}

// Moves bytes one way; the end is passed on as a half-close. False: closed.
bool TcpSession::pumpWay(Way& way, net::Socket& from, net::Socket& to) {
    if (way.ended)
        return true;
    std::string_view none;
    switch (way.flow.pump(context_, from, to, none)) {
        case BodyFlow::Result::needRead:
        case BodyFlow::Result::needWrite:
            return true;
        case BodyFlow::Result::yield:
            context_.queue.requeue(*this);
            return true;
        case BodyFlow::Result::done:
            way.ended = true;
            to.shutdownWrite();
            return true;
        case BodyFlow::Result::sourceFailed:
            fail(&way == &up_ ? ProxyError::clientClosed : ProxyError::upstreamTruncated,
                 Ending::reset);
            return false;
        case BodyFlow::Result::sinkFailed:
        case BodyFlow::Result::badFraming:
        case BodyFlow::Result::truncated:
            break;
    }
    fail(&way == &up_ ? ProxyError::upstreamClosed : ProxyError::clientClosed, Ending::reset);
    return false;
}

// Counts what moved since the last time.
void TcpSession::noteProgress() {
    const std::uint64_t fromClient = up_.flow.received() - up_.received;
    const std::uint64_t toUpstream = up_.flow.sent() - up_.sent;
    const std::uint64_t fromUpstream = down_.flow.received() - down_.received;
    const std::uint64_t toClient = down_.flow.sent() - down_.sent;
    if ((fromClient | toUpstream | fromUpstream | toClient) != 0)
        idleSince_ = context_.wheel.nowTick();
    context_.counters.bytesFromClients += fromClient;
    context_.counters.bytesToUpstreams += toUpstream;
    context_.counters.bytesFromUpstreams += fromUpstream;
    context_.counters.bytesToClients += toClient;
    upstream::TrafficCounters& traffic = backend_.counters.counting();
    traffic.bytesFromClients += fromClient;
    traffic.bytesToClients += toClient;
    noteStall(up_);
    noteStall(down_);
}

void TcpSession::noteStall(Way& way) {
    const bool moved = way.flow.sent() != way.sent;
    const bool blocked = way.flow.blocked();
    if (blocked && (moved || !way.stalled))
        way.stalledSince = context_.wheel.nowTick();
    way.stalled = blocked;
    way.received = way.flow.received();
    way.sent = way.flow.sent();
}

// Until the nearest deadline; zero or less: it has passed.
std::chrono::milliseconds TcpSession::timeLeft() const noexcept {
    const std::uint32_t now = context_.wheel.nowTick();
    const auto left = [now](std::chrono::milliseconds limit, std::uint32_t since) {
        return limit - (now - since) * net::TimerWheel::kTick;
    };
    if (state_ == State::handshake)
        return context_.settings().handshakeTimeout - sinceAccept();
    if (state_ == State::queued)
        return left(policy_->queueTimeout, idleSince_);
    if (state_ == State::connecting)
        return left(mayHedge() ? policy_->hedgeConnect : policy_->connectTimeout, idleSince_);
    const model::Settings& settings = context_.settings();
    const bool halfClosed = up_.ended || down_.ended;
    auto nearest = left(settings.tunnelTimeout, idleSince_);
    if (halfClosed)
        nearest = std::min(nearest, left(settings.halfCloseTimeout, idleSince_));
    for (const Way* way : {&up_, &down_}) {
        if (way->stalled)
            nearest = std::min(nearest, left(settings.writeTimeout, way->stalledSince));
    }
    return nearest;
}

void TcpSession::rearm() {
    noteProgress();
    context_.wheel.arm(*this, timeLeft());
}

void TcpSession::onTimer() {
    if (state_ == State::closed)
        return;
    if (timeLeft().count() > 0)
        return rearm();
    if (state_ == State::handshake)
        return handshakeFailed(net::HandshakeFailure::timeout);
    if (state_ == State::queued)
        return fail(ProxyError::queueTimeout, Ending::reset);
    if (state_ == State::connecting) {
        if (mayHedge()) {
            beginHedge();
            return rearm();
        }
        endpoint_->noteConnectFailure(context_.wheel.nowTick());
        hedge_.timeOut(context_.pool, backend_, context_.wheel.nowTick());
        return connectFailed(ProxyError::connectTimeout);
    }
    // Without bytes on their way this is no error but the end of an unused connection.
    if (down_.stalled)
        return fail(ProxyError::clientWriteTimeout, Ending::reset);
    if (up_.stalled)
        return fail(ProxyError::upstreamTimeout, Ending::reset);
    close(Ending::close);
}

void TcpSession::fail(ProxyError error, Ending ending) {
    if (state_ == State::tunnel && error != ProxyError::clientClosed &&
        error != ProxyError::clientWriteTimeout)
        endpoint_->noteFailure();
    ++context_.counters.errors[static_cast<std::size_t>(error)];
    ++backend_.counters.counting().reasons[static_cast<std::size_t>(error)];
    error_ = error;
    close(ending);
}

void TcpSession::close(Ending ending) {
    noteProgress();
    // Who left without a word is a port scan or a health check, and no event.
    if (context_.log != nullptr && handshakeFailure_ != net::HandshakeFailure::closed)
        writeLog();
    if (state_ == State::queued)
        leaveQueue();
    if (state_ == State::tunnel)
        --context_.counters.tunnels;
    state_ = State::closed;
    context_.wheel.disarm(*this);
    releaseUpstream(ending);
    if (ending == Ending::reset) {
        socket_.closeWithReset();
    } else {
        socket_.close();
    }
    up_.flow.reset();
    down_.flow.reset();
    owner_.onSessionClosed(*this);
}

// The line of a connection: no request in it; its listener in place of a route, unless a name led
// it.
void TcpSession::writeLog() const {
    http::AccessRecord record;
    char text[net::SocketAddress::kMaxText];
    record.unixMicros = startedUnixMicros_;
    record.clientAddress = address().text(text);
    record.clientPort = address().port();
    record.tcp = true;
    record.bytesIn = up_.received;
    record.bytesOut = down_.sent;
    record.durationMicros = microsSince(startedAt_);
    record.upstreamMicros = connectMicros_;
    record.route = passage_ ? passage_->route : listener_.name;
    record.backend = backendName_;
    record.endpoint = endpointText();
    record.retries = static_cast<std::uint8_t>(triedCount_ == 0 ? 0 : triedCount_ - 1);
    record.error = error_;
    record.tls = tlsRecord();
    context_.log->write(record);
}

}  // namespace evergate::session
