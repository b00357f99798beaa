// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/http2_stream.hpp"

#include <utility>

#include "dataplane/http/header_names.hpp"
#include "dataplane/session/http2_engine.hpp"
#include "dataplane/session/http2_session.hpp"
#include "dataplane/session/http2_stream_layer.hpp"
#include "dataplane/session/spare_exchange.hpp"

namespace evergate::session {

using http::ProxyError;
using http2::ErrorCode;

Http2Stream::Http2Stream(SessionContext& context)
    : context_(context), socket_(std::make_unique<Layer>(*this)) {}

Http2Stream::~Http2Stream() = default;

void Http2Stream::begin(Http2Session& session, http2::Stream& frames) {
    session_ = &session;
    frames_ = &frames;
    // As a connected socket whose client has not said anything yet.
    Layer::open(socket_);
}

void Http2Stream::recycle() noexcept {
    context_.wheel.disarm(*this);
    session_ = nullptr;
    frames_ = nullptr;
    forgo();
    if (socket_.hup())
        socket_ = net::Socket(std::make_unique<Layer>(*this));
    inbox_.clear();
    outbox_.clear();
    headText_.clear();
    tail_.clear();
    trailers_.clear();
    tailSent_ = 0;
    remaining_ = taken_ = progress_ = 0;
    framing_ = http::Framing::none;
    out_ = Out::head;
    armed_ = Phase::count_;
    started_ = headRequest_ = chunked_ = tailMade_ = webSocket_ = tunnel_ = remoteEnded_ = false;
    endSent_ = stopAfterEnd_ = closed_ = weReset_ = brokenOff_ = over_ = false;
    queuedWork = queuedYield = false;
}

ClientFacts Http2Stream::facts() noexcept {
    return {socket_, session_->listener(), session_->address(), session_->addressText(),
            session_->destination()};
}

void Http2Stream::newExchange() {
    started_ = true;
    exchange_ = takeExchange(context_);
}

void Http2Stream::accept(std::unique_ptr<http2::RequestText> text, bool ended) {
    started_ = true;
    chunked_ = text->chunked();
    webSocket_ = text->webSocket();
    text_ = std::move(text);
    if (ended)
        onEnd({});
    session_->noteWork(*this);
}

// The text takes the way of every request.
void Http2Stream::start(const http2::RequestText& text) {
    const model::Settings& settings = context_.settings();
    http::RequestHead& head = context_.requestHead;
    const http::ParseResult result = http::readCheckedRequest(text.text(), text.places(), head);
    if (result.status != http::ParseStatus::complete) {
        return refuse(result.error == ProxyError::none ? ProxyError::badRequest : result.error,
                      result.detail, remoteEnded_);
    }
    if (!http::restrictUnderscores(head, settings.headerUnderscores)) [[unlikely]]
        return refuse(ProxyError::badRequest, "underscore in a field name", remoteEnded_);
    if (!session_->covers(head.host)) [[unlikely]]
        return refuse(ProxyError::otherCertificate, "", remoteEnded_);
    headRequest_ = head.head;
    head.minorVersion = http::kHttp2;
    newExchange();
    net::Buffer none;
    char* const body = const_cast<char*>(text.text().data()) + head.headBytes;
    exchange_->start(facts(), *this, body, 0, none);
    settle();
}

void Http2Stream::forgo() noexcept {
    if (text_)
        context_.http2->giveBack(std::move(text_));
}

void Http2Stream::noteReset() noexcept {
    weReset_ = true;
    forgo();
}

void Http2Stream::refuse(ProxyError error, const char* detail, bool ended) {
    newExchange();
    remoteEnded_ = ended;
    exchange_->refuse(facts(), *this, error, detail, http::kHttp2);
    settle();
}

void Http2Stream::onData(std::string_view bytes) {
    if (!wanted())
        return consume(bytes.size());  // nobody is interested
    inbox_.append(context_.buffers, bytes);
    noteReadable();
    session_->noteWork(*this);
}

void Http2Stream::onEnd(std::string_view trailers) {
    remoteEnded_ = true;
    if (!wanted())
        return;
    if (chunked_ && !tailMade_) {
        tailMade_ = true;
        tail_.assign("0\r\n").append(trailers).append("\r\n");
    }
    noteReadable();
    session_->noteWork(*this);
}

// Reset, or both sides are done, or the connection is gone.
void Http2Stream::onClosed() {
    if (closed_)
        return;
    closed_ = true;
    frames_ = nullptr;
    outbox_.clear();
    if (exchange_ && hasHalfClosed()) {
        noteReadable();  // the endpoint is still to get what came, and the end
        return session_->noteWork(*this);
    }
    discardInput();
    forgo();
    if (!exchange_)
        return checkOver();
    Layer::broken(socket_);
    session_->noteWork(*this);
}

void Http2Stream::onEndSent() {
    endSent_ = true;
    if (stopAfterEnd_ && !remoteEnded_)
        reset(ErrorCode::noError);  // RFC 9113 §8.1
}

void Http2Stream::work() {
    if (text_) {
        if (session_->refused())
            return forgo();
        std::unique_ptr<http2::RequestText> text = std::move(text_);
        start(*text);
        return context_.http2->giveBack(std::move(text));
    }
    if (!exchange_)
        return;
    exchange_->onClientEvents();
    settle();
}

void Http2Stream::resume() {
    if (!exchange_)
        return;
    exchange_->resume();
    settle();
}

void Http2Stream::abandon() {
    if (!exchange_)
        return;
    exchange_->abandon();
    settle();
}

void Http2Stream::onExchangeEvent() {
    settle();
}

void Http2Stream::onExchangeYield() {
    session_->noteYield(*this);
}

void Http2Stream::settle() {
    if (!exchange_)
        return;
    if (exchange_->finished())
        return endExchange();
    rearm();
}

void Http2Stream::endExchange() {
    const bool atOnce = tunnel_ || exchange_->outcome() == Outcome::reset;
    if (out_ == Out::body && mayHaveTrailers())
        trailers_ = exchange_->failedCallTrailers();
    giveBack(context_, std::move(exchange_));
    armed_ = Phase::count_;
    context_.wheel.disarm(*this);
    discardInput();
    if (closed_)
        return checkOver();
    if (out_ == Out::body && !trailers_.empty())
        endResponse();
    if (out_ == Out::body && !atOnce)
        return breakOff();
    if (out_ != Out::done)
        return reset(tunnel_ ? ErrorCode::connectError : ErrorCode::internalError);
    stopAfterEnd_ = true;
    if (endSent_)
        return onEndSent();
    rearm();
}

void Http2Stream::discardInput() {
    if (!inbox_.empty())
        consume(inbox_.size());
    inbox_.clear();
}

void Http2Stream::consume(std::size_t size) {
    closed_ ? session_->consumeConnection(size) : session_->consume(*frames_, size);
}

void Http2Stream::reset(ErrorCode code) {
    if (closed_ || weReset_)
        return;
    outbox_.clear();
    session_->resetStream(*frames_, code);
}

// Behind what there is of the response.
void Http2Stream::breakOff() {
    brokenOff_ = true;
    resumeData();
    rearm();
}

// A client that takes little takes something: the exchange hears of it only when there is room.
std::uint64_t Http2Stream::progressOf(Phase phase) const noexcept {
    const std::uint64_t taken = phase == Phase::clientBlocked ? taken_ : 0;
    return taken + (exchange_ ? exchange_->progress() : 0);
}

// As that of a connection with HTTP/1.1; a response that nobody takes has one, too.
void Http2Stream::rearm() {
    if (over_)
        return;
    const Phase now = exchange_ ? exchange_->phase() : Phase::clientBlocked;
    const std::uint64_t progress = progressOf(now);
    if (now == armed_ && progress == progress_ && armed())
        return;
    armed_ = now;
    progress_ = progress;
    const model::Backend& policy = exchange_ ? exchange_->policy() : context_.defaultPolicy;
    const auto limit = deadlineOf(now, context_.settings(), policy);
    context_.wheel.arm(*this, exchange_ ? exchange_->waitLimit(now, limit) : limit);
}

void Http2Stream::onTimer() {
    const Phase phase = armed_;
    armed_ = Phase::count_;
    if (phase == Phase::clientBlocked) {
        if (progressOf(phase) != progress_)
            return rearm();
        context_.counters.http2.count(http2::Refusal::stalled);
    }
    if (exchange_) {
        exchange_->onDeadline();
        return settle();
    }
    if (!closed_)
        reset(ErrorCode::cancel);
}

void Http2Stream::checkOver() {
    if (over_ || !closed_ || exchange_)
        return;
    over_ = true;
    context_.wheel.disarm(*this);
    session_->noteOver(*this);
}

}  // namespace evergate::session
