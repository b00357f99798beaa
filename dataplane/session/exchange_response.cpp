// SPDX-License-Identifier: Apache-2.0
// The response's way: heads, body to the client, tunnels.
#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/http/composed_head.hpp"
#include "dataplane/net/send_room.hpp"
#include "dataplane/session/exchange.hpp"

namespace evergate::session {

using http::Framing;
using http::ParseStatus;
using http::ProxyError;

namespace {

// Moves the body back when the head grew by more than there is room before it. Validation bounds
// what a route may add; behind the body there is more than that (BodyFlow::kReadSize).
void makeRoomBefore(char*& body, char*& end, std::size_t headSize, const net::Buffer& buffer) {
    const std::size_t room =
        static_cast<std::size_t>(body - buffer.data()) + buffer.headroom() - BodyFlow::kFramingRoom;
    if (headSize <= room)
        return;
    const std::size_t shift = headSize - room;
    std::memmove(body + shift, body, static_cast<std::size_t>(end - body));
    body += shift;
    end += shift;
}

// Of a head and what follows it. When memory is short only what fits a small buffer with the head
// grown on its way; the same where the client would take none of it.
std::size_t firstRead(net::BufferPool& buffers, std::size_t held,
                      const net::Socket& client) noexcept {
    constexpr std::size_t kLittle = net::BufferPool::kSmall / 2;
    const bool scarce = buffers.readShare() != net::BufferPool::kLarge;
    return std::min(BodyFlow::kReadSize - held,
                    scarce ? kLittle : std::max(kLittle, net::portionFor(client)));
}

http::HeadLimits limitsOf(const model::Settings& settings) noexcept {
    return {settings.maxHeadBytes, settings.maxHeaders};
}

// What came as fields of HTTP/2 was checked before it became text.
http::ParseResult readTranslated(std::string_view bytes, std::span<const http::FieldPlace> places,
                                 const http::HeadLimits& limits, bool requestWasHead,
                                 http::ResponseHead& head) {
    const ParseStatus status =
        places.empty() ? http::readComposedResponse(bytes, requestWasHead, head)
                       : http::readComposedResponse(bytes, places, requestWasHead, head);
    if (status == ParseStatus::error) [[unlikely]]
        return {status, ProxyError::upstreamBadResponse, "bad head"};
    const std::size_t size = status == ParseStatus::complete ? head.headBytes : bytes.size();
    if (size > limits.maxHeadBytes || head.fields.size() > limits.maxHeaders) [[unlikely]]
        return {ParseStatus::error, ProxyError::upstreamHeadTooLarge, "head over the limit"};
    return {status, ProxyError::none, ""};
}

// Its body, which begins with `bytes`, ends in there.
bool isWhole(const http::ResponseHead& head, std::string_view bytes) noexcept {
    if (head.framing == Framing::length)
        return head.contentLength <= bytes.size();
    if (head.framing != Framing::chunked)
        return head.framing == Framing::none;
    http::ChunkedDecoder decoder;
    while (!bytes.empty() && !decoder.done() && !decoder.failed())
        bytes.remove_prefix(decoder.next(bytes).consumed);
    return decoder.done();
}

}  // namespace

void Exchange::readResponse() {
    while (!responseStarted_ && (state_ == State::sending || state_ == State::responding) &&
           flushInterims()) {
        if (std::exchange(heldUnread_, false)) {
            if (!parseHeads(held_.data(), held_.data() + heldSize_, held_))
                return;
            continue;
        }
        if (!connection_->socket().readable())
            return;
        net::Buffer& buffer = held_ ? held_ : context_.scratch();
        char* const data = buffer.data();
        const net::IoResult got = connection_->socket().recv(
            data + heldSize_, firstRead(context_.buffers, heldSize_, *client_));
        if (got.wouldBlock())
            return;
        if (got.bytes <= 0)
            return upstreamEnded();
        if (!parseHeads(data, data + heldSize_ + got.bytes, buffer))
            return;
    }
}

// While an interim response waits for the client nothing more is read. False: not now, or finished.
bool Exchange::flushInterims() {
    if (!down_.blocked())
        return true;
    if (!down_.flush(*client_)) {
        cut(ProxyError::clientClosed);
        return false;
    }
    return !down_.blocked();
}

// The endpoint closed or reset before a complete response head.
void Exchange::upstreamEnded() {
    if (const ProxyError problem = connection_->problem(); problem != ProxyError::none)
        [[unlikely]] {
        if (problem == ProxyError::upstreamBadResponse)
            endpoint_->noteFailure();
        return fail(problem);
    }
    if (!wasStale())
        endpoint_->noteFailure();
    retryOrFail(ProxyError::upstreamClosed);
}

// False: the final head was found, or the exchange ended; true: more bytes are needed.
bool Exchange::parseHeads(char* at, char* end, net::Buffer& buffer) {
    const http::HeadLimits limits = limitsOf(snapshot_->snapshot->settings);
    for (;;) {
        http::ResponseHead& head = context_.responseHead;
        const std::string_view bytes(at, static_cast<std::size_t>(end - at));
        const http::ParseResult result =
            connection_->isStream()
                ? readTranslated(bytes, connection_->places(), limits, headRequest_, head)
                : http::parseResponseHead(bytes, limits, headRequest_, responseScanned_, head);
        if (result.status == ParseStatus::incomplete) {
            hold(at, end, buffer);
            return true;
        }
        responseScanned_ = 0;
        context_.counters.bytesFromUpstreams += head.headBytes;
        if (result.status == ParseStatus::error) {
            endpoint_->noteFailure();
            fail(result.error, result.detail);
            return false;
        }
        char* const body = at + head.headBytes;
        if (head.status == 101) {
            startTunnel(body, end, buffer);
            return false;
        }
        if (head.status >= 500 && answeredElsewhere(body, end))
            return false;
        if (head.status >= 200) {
            startResponse(body, end, buffer);
            return false;
        }
        if (!relayInterim())
            return false;
        at = body;
        if (down_.blocked()) {
            hold(at, end, buffer);
            heldUnread_ = heldSize_ != 0;
            return true;
        }
    }
}

// Keeps [at, end) at the front of a buffer of our own until more comes.
void Exchange::hold(const char* at, const char* end, net::Buffer& buffer) {
    heldSize_ = static_cast<std::size_t>(end - at);
    if (heldSize_ == 0)
        return held_.reset();
    std::memmove(buffer.data(), at, heldSize_);
    if (&buffer != &held_)
        held_ = std::move(buffer);
}

// 1xx responses go to the client as they come; HTTP/1.0 knows none (RFC 9110 §15.2).
bool Exchange::relayInterim() {
    if (++interims_ > snapshot_->snapshot->settings.maxInterimResponses) {
        fail(ProxyError::upstreamBadResponse, "too many interim responses");
        return false;
    }
    if (clientMinorVersion_ == 0 || client_->broken())
        return true;
    const http::ResponseHead& head = context_.responseHead;
    const std::size_t bound = http::composedSizeBound(head);
    net::Buffer space =
        bound > net::BufferPool::kSmall ? context_.buffers.large() : context_.buffers.small();
    char* const end = space.data() + bound;
    http::ResponseFacts facts{true, clientMinorVersion_, Framing::none, false, {}};
    http::HeadEdits edits;  // what the route sets is for the final response
    if (extras_ != nullptr) [[unlikely]] {
        edits.drop = &extras_->response.drop;
        facts.edits = &edits;
    }
    const Framed out{http::composeResponseBefore(head, facts, end), end, {}, 0};
    if (down_.send(context_, *client_, out, space))
        return true;
    cut(ProxyError::clientClosed);
    return false;
}

// How the client finds the end (RFC 9112 §6.3): as the endpoint said, but HTTP/1.0 knows no chunks
// and a close-delimited body becomes chunked, so that the client can tell its end from a broken
// connection. A stream of HTTP/2 has an end of its own.
Framing Exchange::clientFraming(const http::ResponseHead& head) const noexcept {
    if (head.framing == Framing::chunked || head.framing == Framing::untilClose)
        return clientMinorVersion_ == 0 || streamsToClient() ? Framing::untilClose
                                                             : Framing::chunked;
    return head.framing;
}

void Exchange::startResponse(char* body, char* end, net::Buffer& buffer) {
    const http::ResponseHead& head = context_.responseHead;
    status_ = head.status;
    const auto now = std::chrono::steady_clock::now();
    if (backend_->timed) [[unlikely]]
        noteLatency(now);
    const auto waited = now - startedAt_;
    upstreamMicros_ = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(waited).count());
    const bool coded = extras_ != nullptr && beginFilter();
    const Framing out = coded ? Framing::chunked : clientFraming(head);
    closeDelimited_ = out == Framing::untilClose && !streamsToClient();
    // An endpoint that answers early and closes takes no more of the request; behind an early
    // answer that is all there the rest of it has nowhere to go.
    const bool brokenOff =
        requestBroken_ || (!requestDone() && (!head.keepAlive || isWhole(head, {body, end})));
    keepAlive_ =
        keepAlive_ && !closeDelimited_ && !brokenOff && !context_.draining && !listener_->closed;
    upstreamReusable_ = head.keepAlive && head.framing != Framing::untilClose && !personal_;
    const model::Settings& settings = snapshot_->snapshot->settings;
    const http::ResponseFacts facts{keepAlive_,   clientMinorVersion_, out,
                                    false,        context_.date(),     nullptr,
                                    settings.via, settings.serverName};
    down_.start(head.framing, head.contentLength, out);
    if (extras_ != nullptr) [[unlikely]]
        down_.dropTrailers(extras_->response.drop);
    if (coded) [[unlikely]]
        down_.filterBy(responseFilter());
    if (upstreamReset_ && !connection_->isStream())
        down_.distrustEnd();
    if (!sendHeadAndBody(facts, body, end, buffer))
        return;
    held_.reset();
    heldSize_ = 0;
    letGoOfHead();
    pumpResponse();
}

// Of answers that came before the whole request was sent nothing can be said.
void Exchange::noteLatency(std::chrono::steady_clock::time_point now) noexcept {
    if (sentAt_ != std::chrono::steady_clock::time_point())
        endpoint_->noteLatency(microsOf(now) - microsOf(sentAt_), microsOf(now));
}

bool Exchange::sendHeadAndBody(const http::ResponseFacts& facts, char* body, char* end,
                               net::Buffer& buffer) {
    if (extras_ != nullptr || backend_->special) [[unlikely]]
        return sendEdited(facts, body, end, buffer);
    return sendComposed(facts, body, end, buffer);
}

// Puts the edited head directly before the body, so that both leave in one send. The head is
// composed elsewhere first: it is made from views into the very bytes it will overwrite.
bool Exchange::sendComposed(const http::ResponseFacts& facts, char* body, char* end,
                            net::Buffer& buffer) {
    if (streamsToClient() && !down_.filtered() && !facts.upgrade)
        return sendApart(facts, body, end, buffer);
    const http::ResponseHead& head = context_.responseHead;
    const std::size_t bound = http::composedSizeBound(head) + facts.added();
    char inlineSpace[kInlineHead];
    net::Buffer space;
    char* composedEnd = inlineSpace + kInlineHead;
    if (bound > kInlineHead) {
        space =
            bound > net::BufferPool::kSmall ? context_.buffers.large() : context_.buffers.small();
        composedEnd = space.data() + space.capacity();
    }
    const char* const composed = http::composeResponseBefore(head, facts, composedEnd);
    const auto headSize = static_cast<std::size_t>(composedEnd - composed);
    if (down_.filtered()) [[unlikely]]
        return sendCoded({composed, headSize}, body, end);
    if (facts.added() != 0)
        makeRoomBefore(body, end, headSize, buffer);
    Framed out;
    if (!frameResponse(body, end, out))
        return false;
    out.begin -= headSize;
    std::memcpy(out.begin, composed, headSize);
    if (!keepAlive_ && down_.inputDone() && !down_.blocked() && client_->writable())
        client_->nextSendIsLast();
    if (down_.send(context_, *client_, out, buffer))
        return true;
    cut(ProxyError::clientClosed);
    return false;
}

// As fields, to a client that takes them.
bool Exchange::sendApart(const http::ResponseFacts& facts, char* body, const char* end,
                         net::Buffer& buffer) {
    Framed out;
    if (!frameResponse(body, end, out))
        return false;
    const std::size_t size = owner_->takeHead(context_.responseHead, facts);
    down_.noteSent(size);
    if (size != 0 && down_.send(context_, *client_, out, buffer))
        return true;
    cut(ProxyError::clientClosed);
    return false;
}

// The first bytes of the response's body. False: they are none, and the client was told.
bool Exchange::frameResponse(char* body, const char* end, Framed& out) {
    out = down_.frame(body, static_cast<std::size_t>(end - body));
    if (down_.failed()) {
        endpoint_->noteFailure();
        fail(ProxyError::upstreamBadResponse, down_.detail());
        return false;
    }
    responseStarted_ = true;
    extraUpstreamBytes_ = out.consumed < static_cast<std::size_t>(end - body);
    return true;
}

void Exchange::pumpResponse() {
    std::string_view leftover;
    const BodyFlow::Result result = down_.pump(context_, connection_->socket(), *client_, leftover);
    if (!leftover.empty())
        extraUpstreamBytes_ = true;
    onResponseFlow(result);
}

void Exchange::onResponseFlow(BodyFlow::Result result) {
    switch (result) {
        case BodyFlow::Result::needRead:
        case BodyFlow::Result::needWrite:
            return;
        case BodyFlow::Result::yield:
            return owner_->onExchangeYield();
        case BodyFlow::Result::done:
            return responseDone();
        case BodyFlow::Result::badFraming:
            endpoint_->noteFailure();
            return cut(ProxyError::upstreamBadResponse);
        case BodyFlow::Result::truncated:
        case BodyFlow::Result::sourceFailed:
            endpoint_->noteFailure();
            return cut(ProxyError::upstreamTruncated);
        case BodyFlow::Result::sinkFailed:
            return cut(down_.filterFailed() ? ProxyError::bufferMemory : ProxyError::clientClosed);
    }
}

// responding => finished
void Exchange::responseDone() {
    const bool complete = requestDone();
    if (streamsToClient() && down_.endsUntold())
        client_->endMessage(down_.trailers());
    endpoint_->noteServed(status_);
    releaseUpstream(upstreamReusable_ && complete && !extraUpstreamBytes_);
    if (!complete)
        return finish(Outcome::linger);
    if (keepAlive_)
        return finish(Outcome::keepAlive);
    // Closing over unread bytes would be a reset, and that could overtake the response. Of a socket
    // that is not registered yet we would not know: who sent too much once may have done it again.
    finish(client_->readable() || moreSent_ ? Outcome::linger : Outcome::close);
}

// responding => tunnel
void Exchange::startTunnel(char* body, char* end, net::Buffer& buffer) {
    if (!upgrade_)
        return fail(ProxyError::upstreamBadResponse, "101 without an upgrade request");
    if (!requestDone())
        return fail(ProxyError::upstreamBadResponse, "101 before the end of the request");
    if (!http::isUpgradeAmong(context_.responseHead, upgradeAsked_))
        return fail(ProxyError::upstreamBadResponse, "101 to a protocol nobody asked for");
    status_ = 101;
    keepAlive_ = false;
    up_.start(Framing::untilClose, 0, Framing::untilClose);
    down_.start(Framing::untilClose, 0, Framing::untilClose);
    const http::ResponseFacts facts{true,
                                    clientMinorVersion_,
                                    Framing::none,
                                    true,
                                    context_.date(),
                                    nullptr,
                                    snapshot_->snapshot->settings.via};
    if (!sendHeadAndBody(facts, body, end, buffer))
        return;
    held_.reset();
    heldSize_ = 0;
    state_ = State::tunnel;
    endpoint_->noteServed(status_);
    settleBudget();  // it may last for days
    ++context_.counters.tunnels;
    letGoOfSnapshot();
    // What the client sent behind its request before it knew the answer.
    const std::string_view early = owner_->takeLeftover();
    char* const bytes = const_cast<char*>(early.data());
    net::Buffer none;
    const Framed first = up_.frame(bytes, early.size());
    if (!up_.send(context_, connection_->socket(), first, none))
        return cut(ProxyError::upstreamClosed);
    pumpTunnel();
}

// A tunnel may last for days; what it was routed with must not.
void Exchange::letGoOfSnapshot() {
    ownTarget_ = std::make_unique<const routing::Target>(
        routing::Target{target_->route, target_->origin, target_->backend, target_->backendId,
                        target_->statsIndex, nullptr});
    target_ = ownTarget_.get();
    extras_ = nullptr;
    policy_ = nullptr;
    snapshot_.reset();
}

void Exchange::pumpTunnel() {
    net::Socket& upstream = connection_->socket();
    if (tunnelClientReset())
        return cut(ProxyError::clientClosed);
    // Once a side's end was read, only its error flag tells of a reset.
    if (downEnded_ && upstream.broken())
        return cut(ProxyError::upstreamClosed);
    if (!pumpTunnelWay(up_, *client_, upstream, upEnded_))
        return;
    if (!pumpTunnelWay(down_, upstream, *client_, downEnded_))
        return;
    if (!upEnded_ || !downEnded_)
        return;
    releaseUpstream(false);
    finish(Outcome::close);
}

// Seen at once, even while nothing is read because the endpoint takes nothing. After our own
// half-close the flag may only mean that the client has closed, too: then the socket says.
bool Exchange::tunnelClientReset() const noexcept {
    if (!client_->broken()) [[likely]]
        return false;
    return upEnded_ || !downEnded_ || client_->pendingError() != 0;
}

// One way of a tunnel; a close is passed on as a half-close. False: finished.
bool Exchange::pumpTunnelWay(BodyFlow& flow, net::Socket& from, net::Socket& to, bool& ended) {
    if (ended)
        return true;
    std::string_view none;
    switch (flow.pump(context_, from, to, none)) {
        case BodyFlow::Result::needRead:
        case BodyFlow::Result::needWrite:
            return true;
        case BodyFlow::Result::yield:
            owner_->onExchangeYield();
            return true;
        case BodyFlow::Result::done:
            ended = true;
            to.shutdownWrite();
            return true;
        case BodyFlow::Result::sinkFailed:
            cut(&to == client_ ? ProxyError::clientClosed : ProxyError::upstreamClosed);
            return false;
        case BodyFlow::Result::badFraming:
        case BodyFlow::Result::truncated:
        case BodyFlow::Result::sourceFailed:
            break;
    }
    cut(&from == client_ ? ProxyError::clientClosed : ProxyError::upstreamTruncated);
    return false;
}

}  // namespace evergate::session
