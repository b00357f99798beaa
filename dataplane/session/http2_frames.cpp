// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/http2_frames.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/session/http2_engine.hpp"
#include "dataplane/session/http2_session.hpp"

namespace evergate::session {

using http2::FloodGuard;
using http2::Refusal;
using http2::RequestText;

namespace {

// What a turn may cost (http2_session_read.cpp): a frame is 1, a request and its fields are more.
constexpr std::uint32_t kCostOfRequest = 32;
constexpr std::size_t kFieldBytesPerCost = 256;
// Trailers that unpack to so many times what a head may be are an attack.
constexpr std::uint32_t kBomb = 4;
// Less than any message with a frame of its own has: gRPC's begin with 5 bytes, those of a client's
// WebSocket with 6.
constexpr std::size_t kTinyData = 4;

Http2Session& sessionOf(void* user) noexcept {
    return *static_cast<Http2Session*>(user);
}

std::string_view view(const std::uint8_t* bytes, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(bytes), size};
}

bool endsStream(const nghttp2_frame_hd& frame) noexcept {
    return (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0;
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

void Http2Frames::setCallbacks(nghttp2_session_callbacks* callbacks) noexcept {
    nghttp2_session_callbacks_set_on_begin_frame_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame_hd* frame, void* user) {
            return sessionOf(user).beginFrame(*frame);
        });
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            return sessionOf(user).beginHeaders(*frame);
        });
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                      std::uint8_t, void* user) {
            return sessionOf(user).addHeader(*frame, view(name, nameSize), view(value, valueSize));
        });
    nghttp2_session_callbacks_set_on_invalid_header_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
           const std::uint8_t*, std::size_t, std::uint8_t,
           void*) -> int { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            sessionOf(user).receiveFrame(*frame);
            return 0;
        });
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
            sessionOf(user).receiveInvalid(*frame);
            return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                      std::size_t size, void* user) {
            sessionOf(user).receiveData(id, view(data, size));
            return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
            sessionOf(user).closeStream(id, code);
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_send_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            sessionOf(user).sentFrame(*frame);
            return 0;
        });
    nghttp2_session_callbacks_set_send_data_callback(
        callbacks, [](nghttp2_session*, nghttp2_frame* frame, const std::uint8_t*, std::size_t size,
                      nghttp2_data_source* source, void* user) {
            return sessionOf(user).sendData(*frame, size, *static_cast<Http2Stream*>(source->ptr));
        });
}

Http2Stream* Http2Session::streamOf(std::int32_t id) noexcept {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(frames_.get(), id));
}

void Http2Session::refuse(Refusal refusal, std::uint32_t code) {
    if (refused_)
        return;
    refused_ = true;
    context_.counters.http2.count(refusal);
    nghttp2_session_terminate_session(frames_.get(), code);
    scheduleFlush();
}

void Http2Session::count(FloodGuard::Kind kind) {
    if (!guard_.note(kind, context_.wheel.nowTick()))
        refuse(FloodGuard::refusalOf(kind), NGHTTP2_ENHANCE_YOUR_CALM);
}

// A frame's head is there, and what came of its payload: its length. nghttp2 says nothing of frames
// it ignores.
std::uint32_t Http2Session::lookAtFrame(std::string_view payload) {
    const auto* const head = reinterpret_cast<const unsigned char*>(frameHead_);
    const std::uint32_t length = std::uint32_t{head[0]} << 16U | head[1] << 8U | head[2];
    const std::string_view stream(frameHead_ + 5, 4);
    const auto id =
        static_cast<std::int32_t>((head[5] & 0x7fU) << 24U | std::uint32_t{head[6]} << 16U |
                                  std::uint32_t{head[7]} << 8U | head[8]);
    turnCost_ += head[3] == NGHTTP2_HEADERS ? kCostOfRequest : 1;
    if (head[3] == NGHTTP2_DATA && comesTooLate(NGHTTP2_DATA, id))
        refuse(Refusal::protocolError, NGHTTP2_STREAM_CLOSED);
    // Priorities are others now (RFC 9113 §5.3), what was never allowed still is not.
    if (head[3] == NGHTTP2_PRIORITY && (id == 0 || (length == 5 && payload.starts_with(stream))))
        refuse(Refusal::protocolError, NGHTTP2_PROTOCOL_ERROR);
    return length;
}

// nghttp2 forgets a stream when it is over and lets pass what still comes for it. From a client
// that ended it itself that is an error (RFC 9113 §5.1); who may not know yet of our reset goes on.
bool Http2Session::comesTooLate(std::uint8_t type, std::int32_t id) noexcept {
    if (type == NGHTTP2_HEADERS && id > lastStream_) {
        lastStream_ = id;
        if (goawaySent_ || streams_.size() >= context_.settings().http2MaxStreams)
            forgivenUpTo_ = id;  // it is refused
        return false;
    }
    return id <= lastStream_ && id > forgivenUpTo_ &&
           nghttp2_session_find_stream(frames_.get(), id) == nullptr;
}

int Http2Session::beginFrame(const nghttp2_frame_hd& frame) {
    if (refused_)
        return 0;
    if (frame.type == NGHTTP2_HEADERS && comesTooLate(frame.type, frame.stream_id))
        refuse(Refusal::protocolError, NGHTTP2_STREAM_CLOSED);
    const bool head = frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_CONTINUATION;
    headOpen_ = head && (frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
    if (head) {
        if (!guard_.noteHeaderFrame(frame.type == NGHTTP2_HEADERS))
            refuse(Refusal::headerFlood, NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (frame.type != NGHTTP2_DATA && frame.type != NGHTTP2_SETTINGS &&
               frame.type != NGHTTP2_PING &&
               (frame.type != NGHTTP2_RST_STREAM || streamOf(frame.stream_id) == nullptr)) {
        count(FloodGuard::Kind::control);
    }
    return 0;
}

int Http2Session::beginHeaders(const nghttp2_frame& frame) {
    if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) {
        trailers_.clear();
        trailerBytes_ = 0;
        badTrailers_ = false;
        return 0;
    }
    Http2Engine& engine = *context_.http2;
    if (!text_)
        text_ = engine.takeText();
    const model::Settings& settings = context_.settings();
    text_->begin({settings.maxHeadBytes, settings.maxHeaders});
    Http2Stream& stream = *engine.takeStream(context_).release();
    streams_.push_back(stream);
    stream.begin(*this, frame.hd.stream_id);
    nghttp2_session_set_stream_user_data(frames_.get(), frame.hd.stream_id, &stream);
    ++requests_;
    guard_.noteRequest();
    ++context_.counters.http2.streams;
    ++context_.counters.http2.activeStreams;
    return 0;
}

// Once it is too much nghttp2 is to stop right there: it would unpack the rest of the frame,
// thousands of fields. It reads nothing more then, but says what is left to be said.
int Http2Session::addHeader(const nghttp2_frame& frame, std::string_view name,
                            std::string_view value) {
    const std::size_t size = name.size() + value.size();
    turnCost_ += static_cast<std::uint32_t>(size / kFieldBytesPerCost);
    const bool request = frame.headers.cat == NGHTTP2_HCAT_REQUEST;
    if (request ? !text_ || text_->add(name, value) : addTrailer(name, value))
        return 0;
    refuse(Refusal::headerFlood, NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// False: far too much.
bool Http2Session::addTrailer(std::string_view name, std::string_view value) {
    const std::uint32_t most = context_.settings().maxHeadBytes;
    trailerBytes_ += static_cast<std::uint32_t>(name.size() + value.size());
    if (trailerBytes_ > most || !http2::appendTrailer(name, value, trailers_))
        badTrailers_ = true;
    return trailerBytes_ <= kBomb * most;
}

void Http2Session::receiveFrame(const nghttp2_frame& frame) {
    switch (frame.hd.type) {
        case NGHTTP2_HEADERS:
            return receiveHeaders(frame);
        case NGHTTP2_DATA:
            if (endsStream(frame.hd)) {
                if (Http2Stream* const stream = streamOf(frame.hd.stream_id))
                    stream->onEnd({});
            } else if (frame.hd.length <= frame.data.padlen) {
                count(FloodGuard::Kind::emptyData);
            } else if (frame.hd.length <= frame.data.padlen + kTinyData) {
                count(FloodGuard::Kind::tinyData);
            }
            return;
        case NGHTTP2_SETTINGS:
            settingsSeen_ = true;
            if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
                settingsAcked_ = true;
                return;
            }
            return count(FloodGuard::Kind::settings);
        case NGHTTP2_PING:
            if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0)
                count(FloodGuard::Kind::ping);
            return;
        default:
            return;
    }
}

// nghttp2 ends a connection by itself, too, and not always tells of the frame: one that is too
// long, or no SETTINGS behind the preface.
void Http2Session::noteGoaway(std::uint32_t code) {
    if (code != NGHTTP2_NO_ERROR && !refused_ && !invalidSeen_)
        context_.counters.http2.count(Refusal::protocolError);
}

// Its answer is a RST_STREAM (or the connection's end): work for nothing.
void Http2Session::receiveInvalid(const nghttp2_frame& frame) {
    invalidSeen_ = true;
    context_.counters.http2.count(Refusal::protocolError);
    if (Http2Stream* const stream = streamOf(frame.hd.stream_id))
        stream->forgo();
    count(FloodGuard::Kind::reset);
}

void Http2Session::receiveHeaders(const nghttp2_frame& frame) {
    headOpen_ = false;
    Http2Stream* const stream = streamOf(frame.hd.stream_id);
    if (stream == nullptr || refused_)
        return;
    const bool ended = endsStream(frame.hd);
    if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
        if (text_)
            beginRequest(*stream, ended);
        return context_.http2->giveBack(std::move(text_));  // unless the stream has it
    }
    if (!badTrailers_)
        return stream->onEnd(trailers_);
    context_.counters.http2.count(Refusal::malformed);
    resetStream(frame.hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
}

void Http2Session::beginRequest(Http2Stream& stream, bool ended) {
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
            return stream.refuse(text_->error(), text_->detail(), ended);
        case RequestText::Status::malformed:
            context_.counters.http2.count(Refusal::malformed);
            count(FloodGuard::Kind::reset);
            return resetStream(stream.id(), NGHTTP2_PROTOCOL_ERROR);
    }
    if (!text_->prioritized()) {
        // RFC 9218's default would serve one after the other, a stream without end in front.
        const nghttp2_extpri fair{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
        nghttp2_session_change_extpri_stream_priority(frames_.get(), stream.id(), &fair, 0);
    }
    stream.accept(std::move(text_), ended);
}

void Http2Session::receiveData(std::int32_t id, std::string_view bytes) {
    if (Http2Stream* const stream = streamOf(id))
        return stream->onData(bytes);
    consume(id, bytes.size());
}

void Http2Session::closeStream(std::int32_t id, std::uint32_t code) {
    Http2Stream* const stream = streamOf(id);
    if (stream == nullptr)
        return;
    nghttp2_session_set_stream_user_data(frames_.get(), id, nullptr);
    if (stream->started() && stream->answering()) {
        ++context_.counters.http2.resetsByClient;
        count(FloodGuard::Kind::reset);
    }
    (void)code;
    stream->onClosed();
}

void Http2Session::sentFrame(const nghttp2_frame& frame) {
    guard_.noteSent(frame.hd.type == NGHTTP2_DATA);
    switch (frame.hd.type) {
        case NGHTTP2_DATA:
        case NGHTTP2_HEADERS:
            break;
        case NGHTTP2_RST_STREAM:
            forgivenUpTo_ = std::max(forgivenUpTo_, frame.hd.stream_id);
            return;
        case NGHTTP2_GOAWAY:
            return noteGoaway(frame.goaway.error_code);
        default:
            return;
    }
    if (!endsStream(frame.hd))
        return;
    ++answered_;
    if (Http2Stream* const stream = streamOf(frame.hd.stream_id))
        stream->onEndSent();
}

// A DATA frame goes straight from the stream into what is sent. Its header is made here: what
// nghttp2 composed may be overwritten when it had to wait (http2::FrameMemory).
int Http2Session::sendData(const nghttp2_frame& frame, std::size_t size, Http2Stream& stream) {
    constexpr std::size_t kFrameHeader = 9;
    if (outRoom_ - outSize_ < kFrameHeader + size)
        return NGHTTP2_ERR_WOULDBLOCK;
    // Never padded: nobody selects padding.
    const auto id = static_cast<std::uint32_t>(frame.hd.stream_id);
    const std::uint8_t header[kFrameHeader] = {static_cast<std::uint8_t>(size >> 16U),
                                               static_cast<std::uint8_t>(size >> 8U),
                                               static_cast<std::uint8_t>(size),
                                               frame.hd.type,
                                               frame.hd.flags,
                                               static_cast<std::uint8_t>(id >> 24U),
                                               static_cast<std::uint8_t>(id >> 16U),
                                               static_cast<std::uint8_t>(id >> 8U),
                                               static_cast<std::uint8_t>(id)};
    std::memcpy(out_ + outSize_, header, kFrameHeader);
    stream.takeOutput(out_ + outSize_ + kFrameHeader, size);
    outSize_ += kFrameHeader + size;
    return 0;
}

}  // namespace evergate::session
