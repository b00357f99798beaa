// SPDX-License-Identifier: Apache-2.0
// The request's way: facts, route, head, body to the endpoint.
#include "dataplane/session/exchange.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/grpc.hpp"
#include "dataplane/net/connect.hpp"
#include "dataplane/session/connection_record.hpp"
#include "dataplane/upstream/hash_ring.hpp"

namespace evergate::session {

using http::Framing;
using http::ProxyError;

Exchange::~Exchange() {
    releaseUpstream(false);
}

void Exchange::start(ClientFacts client, ExchangeOwner& owner, char* body, std::size_t bodySize,
                     net::Buffer& buffer) {
    const http::RequestHead& head = context_.requestHead;
    begin(client, owner);
    takeFacts(head);
    if (snapshot_->snapshot->trustedProxies) [[unlikely]]
        believeProxy(head);
    ProxyError refusal = route(head);
    composeHead(head, client.addressText);
    // From here on the views of `head` are dead: framing is written over them.
    up_.start(requestFraming_, head.contentLength, head.framing);
    up_.restrictTrailers(snapshot_->snapshot->settings.headerUnderscores);
    if (extras_ != nullptr) [[unlikely]]
        up_.dropTrailers(extras_->request.drop);
    const Framed first =
        extras_ == nullptr ? up_.frame(body, bodySize) : frameFirst(body, bodySize, refusal);
    moreSent_ = first.consumed < bodySize;
    if (moreSent_)
        owner.onLeftover(std::string_view(body + first.consumed, bodySize - first.consumed));
    if (refusal != ProxyError::none)
        return fail(refusal);
    if (up_.failed())
        return badRequestBody();
    if (redirect_)
        return replyOurselves();
    const ProxyError error = acquire();
    if (error != ProxyError::none)
        return fail(error);
    if (sendFirst(first, buffer))
        step();
}

void Exchange::refuse(ClientFacts client, ExchangeOwner& owner, ProxyError error,
                      const char* detail, std::uint8_t version) {
    begin(client, owner);
    clientMinorVersion_ = version;
    keepAlive_ = false;
    head_ = inlineHead_.data();
    fail(error, detail);
}

void Exchange::begin(const ClientFacts& client, ExchangeOwner& owner) {
    client_ = &client.socket;
    listener_ = &client.listener;
    clientAddress_ = &client.address;
    destination_ = client.destination;
    owner_ = &owner;
    snapshot_ = context_.snapshot;
    state_ = State::sending;
    startedAt_ = std::chrono::steady_clock::now();
    if (context_.log != nullptr) {
        startedUnixMicros_ = unixMicrosNow();
    }
    target_ = nullptr;
    extras_ = nullptr;
    identity_ = nullptr;
    backend_ = nullptr;
    policy_ = nullptr;
    rewritten_.clear();
    introduction_.clear();
    peerTrusted_ = proxiedTls_ = false;
    up_.reset();
    down_.reset();
    bodyRate_ = {};
    heldSize_ = responseScanned_ = headSize_ = headSent_ = 0;
    upstreamMicros_ = 0;
    methodSize_ = status_ = 0;
    triedCount_ = retries_ = interims_ = 0;
    error_ = localFailure_ = ProxyError::none;
    clientMinorVersion_ = 1;
    headRequest_ = idempotent_ = upgrade_ = expectContinue_ = upstreamReusable_ = requestBroken_ =
        false;
    grpc_ = upstreamReset_ = heldUnread_ = redirect_ = lastHop_ = personal_ = moreSent_ = false;
    responseStarted_ = extraUpstreamBytes_ = closeDelimited_ = staleRetried_ = false;
    upEnded_ = downEnded_ = false;
    trySteps_ = 0;
    budgeted_ = hedged_ = pastHedge_ = lastTry_ = tryLimited_ = false;
    ++context_.counters.requests;
    ++context_.counters.activeRequests;
}

void Exchange::takeFacts(const http::RequestHead& head) {
    keepAlive_ = head.keepAlive && !context_.draining && !listener_->closed;
    clientMinorVersion_ = head.minorVersion;
    headRequest_ = head.head;
    idempotent_ = head.idempotent;
    personal_ = head.authenticatesConnection;
    grpc_ = head.grpc;
    if (grpc_) [[unlikely]]
        grpcTimeout_ = http::parseGrpcTimeout(head.grpcTimeout);
    requestFraming_ = head.framing;
    upgrade_ = !head.upgrade.empty();
    if (upgrade_) [[unlikely]]
        upgradeAsked_ = head.upgrade;
    expectContinue_ = head.expectContinue;
    methodSize_ = static_cast<std::uint16_t>(head.method.size());
}

ProxyError Exchange::route(const http::RequestHead& head) {
    if (const ProxyError refusal = context_.refusal(); refusal != ProxyError::none) [[unlikely]]
        return refusal;
    if (head.secureTarget || head.maxForwards == 0) [[unlikely]] {
        const ProxyError error = checkTarget(head);
        if (error != ProxyError::none || lastHop_)
            return error;
    }
    std::string normalized;
    const std::string_view path = routing::normalizePath(head.path, normalized);
    if (path.empty())
        return ProxyError::badRequest;
    if (listener_->closed && listener_->routeIndex < 0)
        return ProxyError::draining;  // its routes are gone, the connection is not
    target_ = snapshot_->snapshot->routes.match(listener_->routeIndex, head.host, path);
    if (target_ == nullptr)
        return ProxyError::noRoute;
    if (target_->policy) [[unlikely]] {
        const ProxyError error = applyPolicy(head, path);
        if (error != ProxyError::none || redirect_)
            return error;
    }
    backend_ = &context_.registry.backend(target_->backendId);
    policy_ = backend_->policy.get();
    ++backend_->counters.requests;
    hash_ = balanceHash(head);
    affinity_ = 0;
    if (backend_->special) [[unlikely]]
        readAffinity(head);
    return ProxyError::none;
}

void Exchange::composeHead(const http::RequestHead& head, std::string_view clientText) {
    http::ForwardedFacts facts{clientText, listener_->scheme(), listener_->port};
    char real[net::SocketAddress::kMaxText];
    if (peerTrusted_) [[unlikely]] {
        facts.realAddress = clientAddress_->text(real);
        facts.trusted = true;
    }
    facts.via = snapshot_->snapshot->settings.via;
    http::HeadEdits edits;
    std::string told;
    std::size_t bound = http::composedSizeBound(head, facts);
    if (extras_ != nullptr) [[unlikely]] {
        if (extras_->tellsClient)
            told = clientFields();
        edits = {&extras_->request.drop, extras_->request.add, told, extras_->tellsClient};
        bound += edits.size() + rewritten_.size();
    }
    head_ = inlineHead_.data();
    if (bound > kInlineHead) {
        bigHead_ =
            bound > net::BufferPool::kSmall ? context_.buffers.large() : context_.buffers.small();
        head_ = bigHead_.data();
    }
    headSize_ = http::composeRequest(head, facts, head_, extras_ == nullptr ? nullptr : &edits);
}

std::uint64_t Exchange::balanceHash(const http::RequestHead& head) const noexcept {
    if (policy_->balance != model::BalanceAlgorithm::consistentHash)
        return 0;
    if (policy_->hashOn == model::HashOn::path)
        return upstream::stableHash(head.path);
    if (policy_->hashOn == model::HashOn::header) {
        for (const http::HeaderField& field : head.fields) {
            if (http::equalsIgnoreCase(field.name, policy_->hashHeader))
                return upstream::stableHash(field.value);
        }
    }
    return clientAddress_->hash();
}

// connecting/sending/responding => as far as the sockets' flags allow.
void Exchange::step() {
    if (state_ == State::sending)
        sendRequest();
    if (state_ == State::sending || state_ == State::responding) {
        if (responseStarted_) {
            pumpResponse();
        } else {
            readResponse();
        }
    }
}

void Exchange::sendRequest() {
    net::Socket& upstream = connection_->socket();
    while (headSent_ < headSize_) {
        const net::IoResult sent = upstream.send(head_ + headSent_, headSize_ - headSent_);
        if (sent.wouldBlock())
            return;
        if (sent.failed())
            return upstreamBroken(sent.error);
        headSent_ += static_cast<std::size_t>(sent.bytes);
    }
    pumpRequest();
}

void Exchange::pumpRequest() {
    if (requestBroken_)
        return;
    if (up_.done())
        return requestSent();
    std::string_view leftover;
    const BodyFlow::Result result = up_.pump(context_, *client_, connection_->socket(), leftover);
    if (!leftover.empty())
        owner_->onLeftover(leftover);
    onRequestFlow(result);
}

void Exchange::onRequestFlow(BodyFlow::Result result) {
    switch (result) {
        case BodyFlow::Result::needRead:
        case BodyFlow::Result::needWrite:
            return;
        case BodyFlow::Result::yield:
            return owner_->onExchangeYield();
        case BodyFlow::Result::done:
            return requestSent();
        case BodyFlow::Result::badFraming:
            return badRequestBody();
        case BodyFlow::Result::truncated:
        case BodyFlow::Result::sourceFailed:
            return cut(ProxyError::clientClosed);
        case BodyFlow::Result::sinkFailed:
            return up_.filterFailed() ? badRequestBody() : upstreamBroken(up_.sinkError());
    }
}

// sending => responding
void Exchange::requestSent() {
    state_ = State::responding;
    if (backend_->timed) [[unlikely]]
        sentAt_ = std::chrono::steady_clock::now();
    letGoOfHead();
}

// Once nothing can send or log it again. Of a stream the endpoint may say that it did nothing with
// it until it answers.
void Exchange::letGoOfHead() noexcept {
    const bool mayGoAgain = mayRepeat() || (connection_->isStream() && !responseStarted_);
    if (bigHead_ && context_.log == nullptr && headSent_ == headSize_ && !mayGoAgain)
        bigHead_.reset();
}

// The endpoint takes no more of the request; it may have answered all the same (413 and the like).
void Exchange::upstreamBroken(int error) {
    // It took nothing, so what it may have said is no answer; all of the request goes again.
    if (headSent_ == 0)
        return upstreamEnded();
    requestBroken_ = true;
    // EPIPE: it closed in order first. A reset is reported once, and this was it: a later read says
    // "end", which must not pass for the end of a body.
    upstreamReset_ = error != EPIPE;
    if (upstreamReset_ && !connection_->isStream())
        down_.distrustEnd();
    // Our own kernel refused (ENOBUFS): the endpoint knows of nothing and would let us wait. What
    // it has said is still read, then comes the end.
    if (upstreamReset_ && error != ECONNRESET)
        ::shutdown(connection_->socket().fd(), SHUT_RDWR);
    up_.pending().clear();
    state_ = State::responding;
    if (!responseStarted_)
        readResponse();
}

// The kernel shall not end what the backend's policy lets wait.
void Exchange::allowStall() noexcept {
    const auto wanted = 2 * policy().inactivityTimeout;
    if (wanted > context_.pool.options().userTimeout) [[unlikely]]
        net::setUserTimeout(connection_->socket().fd(), wanted);
}

void Exchange::onUpstream(upstream::Connection& connection, std::uint32_t) {
    if (state_ == State::connecting) {
        if (connection.connecting())
            return;
        if (hedge_.active() && !hedge_.settle(context_.pool, *backend_, connection, connection_,
                                              endpoint_, context_.wheel.nowTick())) [[unlikely]]
            return owner_->onExchangeEvent();
        if (connection.connectError() != 0) {
            retryOrFail(connectError(connection));
        } else {
            state_ = State::sending;
            connection.noteRequest();
            allowStall();
            step();
        }
    } else if (state_ == State::tunnel) {
        pumpTunnel();
    } else {
        step();
    }
    owner_->onExchangeEvent();
}

// A FIN may be a half-close: then somebody still reads. Whether it is taken for one is the
// backend's policy; a reset leaves no doubt.
bool Exchange::clientLeft() const noexcept {
    if (!client_->hup() || state_ == State::tunnel || state_ == State::finished) [[likely]]
        return false;
    if (state_ == State::replying)
        return client_->broken();  // what is left costs nobody anything
    if (policy().abortOnClientClose)
        return true;
    return client_->broken() && !finishesAlone();
}

// The endpoint has the request, or will: by the backend's policy it gets the time to serve it.
bool Exchange::finishesAlone() const noexcept {
    return up_.inputDone() && headSent_ != 0 && !responseStarted_;
}

void Exchange::onClientEvents() {
    if (clientLeft())
        return cut(ProxyError::clientClosed);
    switch (state_) {
        case State::replying:
            flushReply();
            break;
        case State::tunnel:
            pumpTunnel();
            break;
        case State::sending:
        case State::responding:
            step();
            break;
        case State::queued:
        case State::connecting:
        case State::finished:
            break;
    }
}

void Exchange::resume() {
    if (state_ == State::tunnel) {
        pumpTunnel();
    } else if (state_ != State::finished && state_ != State::connecting &&
               state_ != State::queued) {
        step();
    }
}

}  // namespace evergate::session
