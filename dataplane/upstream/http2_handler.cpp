// SPDX-License-Identifier: Apache-2.0
// What the multiplexer tells an Http2Connection, passed on to the stream it is about. No user is
// called from in here: the multiplexer is not to be entered again.
#include "dataplane/upstream/http2_connection.hpp"

namespace evergate::upstream {

using http2::ErrorCode;

namespace {

// Null: its user has left.
Http2Stream* userOf(const http2::Stream& stream) noexcept {
    return static_cast<Http2Stream*>(stream.user);
}

}  // namespace

void Http2Connection::onSettings(bool ack) {
    if (!ack)
        stand();
}

void Http2Connection::onGoaway(std::uint32_t, ErrorCode) {
    goingAway_ = true;
    stopTaking();
}

void Http2Connection::onFieldsBegin(http2::Stream& stream, bool) {
    if (Http2Stream* const user = userOf(stream))
        user->onFieldsBegin();
}

// A block is read to its end whatever its fields say: other streams share its compression.
bool Http2Connection::onField(http2::Stream& stream, std::string_view name,
                              std::string_view value) {
    Http2Stream* const user = userOf(stream);
    if (user != nullptr && !user->onField(name, value))
        multiplexer_->reset(stream, ErrorCode::protocolError);
    return true;
}

void Http2Connection::onFieldsEnd(http2::Stream& stream, bool last) {
    Http2Stream* const user = userOf(stream);
    if (user == nullptr)
        return;
    if (!user->onFieldsEnd(last))
        return multiplexer_->reset(stream, ErrorCode::protocolError);
    if (last)
        user->onEnd();
}

void Http2Connection::onData(http2::Stream& stream, std::string_view bytes) {
    multiplexer_->consumeConnection(bytes.size());
    Http2Stream* const user = userOf(stream);
    if (user == nullptr)
        return multiplexer_->reset(stream, ErrorCode::cancel);
    if (!user->onData(bytes))
        multiplexer_->reset(stream, ErrorCode::protocolError);
}

void Http2Connection::onEnd(http2::Stream& stream) {
    if (Http2Stream* const user = userOf(stream))
        user->onEnd();
}

void Http2Connection::onClosed(http2::Stream& stream, ErrorCode code) {
    if (Http2Stream* const user = userOf(stream))
        user->onClosed(code);
}

// The connection's own ends with this turn: see settle().
void Http2Connection::onBreach(http2::Multiplexer::Breach, http2::Stream* stream) {
    Http2Stream* const user = stream != nullptr ? userOf(*stream) : nullptr;
    if (user != nullptr)
        user->malformed();
}

http2::Multiplexer::Piece Http2Connection::onRead(http2::Stream& stream, char* into,
                                                  std::size_t room) {
    if (Http2Stream* const user = userOf(stream))
        return user->read(into, room);
    return {http2::Multiplexer::Piece::What::broken, 0};
}

}  // namespace evergate::upstream
