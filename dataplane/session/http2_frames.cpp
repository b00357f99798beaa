// SPDX-License-Identifier: Apache-2.0
// What the multiplexer tells an Http2Session. It may be called from here but for its receive() and
// send(), and the connection is not closed from here.
#include <utility>

#include "dataplane/session/http2_engine.hpp"
#include "dataplane/session/http2_session.hpp"

namespace evergate::session {

using http2::ErrorCode;
using http2::FloodGuard;
using http2::FrameHead;
using http2::FrameType;
using http2::Refusal;
using http2::RequestText;

namespace {

// What a turn may cost (http2_session_read.cpp): a frame is 1, a request and what is unpacked more.
constexpr std::uint32_t kCostOfRequest = 32;
constexpr std::uint32_t kBytesPerCost = 256;
// Trailers that unpack to so many times what a head may be are an attack.
constexpr std::uint32_t kBomb = 4;
// Less than any message with a frame of its own has: gRPC's begin with 5 bytes, those of a client's
// WebSocket with 6.
constexpr std::size_t kTinyData = 4;

Refusal refusalOf(http2::Multiplexer::Breach breach) noexcept {
    using Breach = http2::Multiplexer::Breach;
    switch (breach) {
        case Breach::headerFlood:
            return Refusal::headerFlood;
        case Breach::settings:
            return Refusal::settingsFlood;
        case Breach::unanswered:
            return Refusal::unanswered;
        case Breach::connection:
        case Breach::stream:
            break;
    }
    return Refusal::protocolError;
}

// What there is on nonce for a WebSocket's key: nobody checks what comes back (RFC 8441 §5), but
// every request has its own.
std::string_view webSocketKey(upstream::Random& random, char (&out)[24]) noexcept {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 21; ++i)
        out[i] = kDigits[random.below(64)];
    out[21] = "AQgw"[random.below(4)];  // 16 bytes end here: the last digit has two bits
    out[22] = out[23] = '=';
    return {out, sizeof out};
}

}  // namespace

// False: it was refused before.
bool Http2Session::noteRefusal(Refusal refusal) noexcept {
    if (refused_)
        return false;
    refused_ = true;
    context_.counters.http2.count(refusal);
    return true;
}

void Http2Session::refuse(Refusal refusal, ErrorCode code) {
    if (!noteRefusal(refusal))
        return;
    multiplexer_.terminate(code);
    scheduleFlush();
}

void Http2Session::count(FloodGuard::Kind kind) {
    if (!guard_.note(kind, context_.wheel.nowTick()))
        refuse(FloodGuard::refusalOf(kind), ErrorCode::enhanceYourCalm);
}

void Http2Session::countUnless(bool usual, FloodGuard::Kind kind) {
    if (!usual)
        count(kind);
}

// The multiplexer ends the connection, or resets the stream: work for nothing.
void Http2Session::onBreach(Breach breach, http2::Stream* stream) {
    scheduleFlush();
    if (breach == Breach::stream) {
        context_.counters.http2.count(Refusal::protocolError);
        streamOf(*stream).noteReset();
        return count(FloodGuard::Kind::reset);
    }
    noteRefusal(refusalOf(breach));
}

void Http2Session::onFrame(const FrameHead& frame) {
    turnCost_ += frame.type == FrameType::headers ? kCostOfRequest : 1;
    if (frame.type != FrameType::data)  // a block is unpacked even if its stream is refused
        turnCost_ += frame.length / kBytesPerCost;
    switch (frame.type) {
        case FrameType::data:
            return;
        case FrameType::headers:
        case FrameType::continuation:
            if (!guard_.noteHeaderFrame(frame.type == FrameType::headers))
                refuse(Refusal::headerFlood, ErrorCode::enhanceYourCalm);
            return;
        case FrameType::settings:
            return countUnless(frame.has(http2::flag::ack), FloodGuard::Kind::settings);
        case FrameType::ping:
            return count(frame.has(http2::flag::ack) ? FloodGuard::Kind::control
                                                     : FloodGuard::Kind::ping);
        case FrameType::rstStream:
            return countUnless(multiplexer_.find(frame.stream) != nullptr,
                               FloodGuard::Kind::control);
        default:
            return count(FloodGuard::Kind::control);
    }
}

void Http2Session::onDataFrame(std::size_t size, bool last) {
    if (last || size > kTinyData)
        return;
    count(size == 0 ? FloodGuard::Kind::emptyData : FloodGuard::Kind::tinyData);
}

void Http2Session::onSettings(bool ack) {
    if (ack) {
        settingsAcked_ = true;
    } else {
        settingsSeen_ = true;
    }
    scheduleFlush();
}

// A request beyond those at once, or after the end: read for nothing.
void Http2Session::onUnheard() {
    count(FloodGuard::Kind::reset);
}

void Http2Session::onFieldsBegin(http2::Stream& stream, bool opens) {
    if (!opens) {
        trailers_.clear();
        trailerBytes_ = 0;
        badTrailers_ = false;
        return;
    }
    Http2Engine& engine = *context_.http2;
    if (!text_)
        text_ = engine.takeText();
    const model::Settings& settings = context_.settings();
    text_->begin({settings.maxHeadBytes, settings.maxHeaders});
    Http2Stream& request = *engine.takeStream(context_).release();
    streams_.push_back(request);
    stream.user = &request;
    request.begin(*this, stream);
    ++requests_;
    guard_.noteRequest();
    ++context_.counters.http2.streams;
    ++context_.counters.http2.activeStreams;
}

// Once it is too much the rest is not unpacked: it could be thousands of fields.
bool Http2Session::onField(http2::Stream& stream, std::string_view name, std::string_view value) {
    turnCost_ += static_cast<std::uint32_t>((name.size() + value.size()) / kBytesPerCost);
    const bool head = !streamOf(stream).started();
    if (head ? text_->add(name, value) : addTrailer(name, value))
        return true;
    refuse(Refusal::headerFlood, ErrorCode::enhanceYourCalm);
    return false;
}

// False: far too much.
bool Http2Session::addTrailer(std::string_view name, std::string_view value) {
    const std::uint32_t most = context_.settings().maxHeadBytes;
    trailerBytes_ += static_cast<std::uint32_t>(name.size() + value.size());
    if (trailerBytes_ > most || !http2::appendTrailer(name, value, trailers_))
        badTrailers_ = true;
    return trailerBytes_ <= kBomb * most;
}

void Http2Session::onFieldsEnd(http2::Stream& stream, bool last) {
    Http2Stream& request = streamOf(stream);
    if (!request.started()) {
        beginRequest(request, stream, last);
        return context_.http2->giveBack(std::move(text_));  // unless the stream has it
    }
    if (!badTrailers_)
        return request.onEnd(trailers_);
    context_.counters.http2.count(Refusal::malformed);
    resetStream(stream, ErrorCode::protocolError);
}

void Http2Session::beginRequest(Http2Stream& request, http2::Stream& stream, bool ended) {
    if (context_.draining || listener_.closed) [[unlikely]]
        announceEnd();
    char space[24];
    std::string_view key;
    if (text_->hasProtocol())
        key = webSocketKey(context_.random, space);
    switch (text_->finish(ended, key)) {
        case RequestText::Status::complete:
            break;
        case RequestText::Status::refused:
            return request.refuse(text_->error(), text_->detail(), ended);
        case RequestText::Status::malformed:
            context_.counters.http2.count(Refusal::malformed);
            count(FloodGuard::Kind::reset);
            return resetStream(stream, ErrorCode::protocolError);
    }
    multiplexer_.prioritize(stream, text_->priority());
    if (const auto length = text_->length())
        stream.expect(*length);
    request.accept(std::move(text_), ended);
}

void Http2Session::onData(http2::Stream& stream, std::string_view bytes) {
    streamOf(stream).onData(bytes);
}

void Http2Session::onEnd(http2::Stream& stream) {
    streamOf(stream).onEnd({});
}

void Http2Session::onClosed(http2::Stream& stream, ErrorCode) {
    Http2Stream& request = streamOf(stream);
    if (request.started() && request.answering()) {
        ++context_.counters.http2.resetsByClient;
        count(FloodGuard::Kind::reset);
    }
    request.onClosed();
}

http2::Multiplexer::Piece Http2Session::onRead(http2::Stream& stream, char* into,
                                               std::size_t room) {
    return streamOf(stream).provide(into, room);
}

void Http2Session::onEndSent(http2::Stream& stream) {
    ++answered_;
    streamOf(stream).onEndSent();
}

}  // namespace evergate::session
