// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/http2_callbacks.hpp"

#include <string_view>

#include "dataplane/upstream/http2_connection.hpp"
#include "dataplane/upstream/http2_stream.hpp"

namespace evergate::upstream {
namespace {

// More than the largest head we compose.
constexpr std::size_t kMaxSentHeaders = 1024 * 1024;

// Null: its user has left.
Http2Stream* streamOf(nghttp2_session* session, std::int32_t id) noexcept {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(bytes), size};
}

int reset(nghttp2_session* session, std::int32_t id, std::uint32_t code) noexcept {
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, code) == NGHTTP2_ERR_NOMEM
               ? NGHTTP2_ERR_CALLBACK_FAILURE
               : 0;
}

}  // namespace

int Http2Callbacks::onBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame,
                                   void* user) {
    Http2Stream* const stream = streamOf(session, frame->hd.stream_id);
    static_cast<Http2Connection*>(user)->reading_ = stream;
    if (stream != nullptr)
        stream->onFieldsBegin();
    return 0;
}

// Fields of one stream come without those of another between them (RFC 9113 §4.3).
int Http2Callbacks::onHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                             std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                             std::uint8_t, void* user) {
    Http2Stream* const stream = static_cast<Http2Connection*>(user)->reading_;
    const bool good =
        stream == nullptr || stream->onField(text(name, nameSize), text(value, valueSize));
    return good ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

// nghttp2 would pass over it; a message with such a field is malformed (RFC 9113 §8.2.1).
int Http2Callbacks::onInvalidHeader(nghttp2_session* session, const nghttp2_frame* frame,
                                    const std::uint8_t*, std::size_t, const std::uint8_t*,
                                    std::size_t, std::uint8_t, void*) {
    if (Http2Stream* const stream = streamOf(session, frame->hd.stream_id))
        stream->malformed();
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Http2Callbacks::onFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& connection = *static_cast<Http2Connection*>(user);
    const std::uint8_t type = frame->hd.type;
    if (type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        connection.stand();
    if (type == NGHTTP2_GOAWAY)
        connection.stopTaking();
    if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA)
        return 0;
    Http2Stream* const stream = streamOf(session, frame->hd.stream_id);
    if (stream == nullptr)
        return 0;
    const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (type == NGHTTP2_HEADERS && !stream->onFieldsEnd(last))
        return reset(session, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
    if (last)
        stream->onEnd();
    return 0;
}

int Http2Callbacks::onInvalidFrame(nghttp2_session* session, const nghttp2_frame* frame, int,
                                   void*) {
    if (Http2Stream* const stream = streamOf(session, frame->hd.stream_id))
        stream->malformed();
    return 0;
}

int Http2Callbacks::onData(nghttp2_session* session, std::uint8_t, std::int32_t id,
                           const std::uint8_t* data, std::size_t size, void*) {
    nghttp2_session_consume_connection(session, size);
    Http2Stream* const stream = streamOf(session, id);
    if (stream == nullptr)
        return reset(session, id, NGHTTP2_CANCEL);
    return stream->onData(text(data, size)) ? 0 : reset(session, id, NGHTTP2_PROTOCOL_ERROR);
}

int Http2Callbacks::onSent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (Http2Stream* const stream = streamOf(session, frame->hd.stream_id))
        stream->noteSent();
    return 0;
}

// The endpoint has said GOAWAY, or our ids are used up.
int Http2Callbacks::onNotSent(nghttp2_session* session, const nghttp2_frame* frame, int, void*) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (Http2Stream* const stream = streamOf(session, frame->hd.stream_id))
        stream->onClosed(NGHTTP2_REFUSED_STREAM);
    return 0;
}

int Http2Callbacks::onClosed(nghttp2_session* session, std::int32_t id, std::uint32_t errorCode,
                             void*) {
    if (Http2Stream* const stream = streamOf(session, id))
        stream->onClosed(errorCode);
    return 0;
}

ssize_t Http2Callbacks::onRead(nghttp2_session* session, std::int32_t id, std::uint8_t* out,
                               std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                               void*) {
    if (Http2Stream* const stream = streamOf(session, id))
        return stream->read(out, room, flags);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

http2::CallbacksPtr Http2Callbacks::make() {
    http2::CallbacksPtr callbacks = http2::newCallbacks();
    if (!callbacks)
        return callbacks;
    nghttp2_session_callbacks* const all = callbacks.get();
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, &onBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(all, &onHeader);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, &onInvalidHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, &onFrame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(all, &onInvalidFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, &onData);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, &onSent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(all, &onNotSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, &onClosed);
    return callbacks;
}

http2::OptionPtr Http2Callbacks::makeOptions() {
    http2::OptionPtr options = http2::newOption();
    if (!options)
        return options;
    nghttp2_option_set_no_auto_window_update(options.get(), 1);
    nghttp2_option_set_no_closed_streams(options.get(), 1);
    // Http2Stream and ResponseText check all of a message themselves.
    nghttp2_option_set_no_http_messaging(options.get(), 1);
    nghttp2_option_set_max_send_header_block_length(options.get(), kMaxSentHeaders);
    return options;
}

}  // namespace evergate::upstream
