// SPDX-License-Identifier: Apache-2.0
// Header blocks (RFC 9113 §4.3, §6.2, §6.10) and the streams they open. A block is unpacked whoever
// it is for: the compression state goes on with it.
#include <algorithm>
#include <utility>

#include "dataplane/http2/multiplexer.hpp"

namespace evergate::http2 {

void Multiplexer::receiveHeaders(std::string_view payload) {
    if (frame_.stream == 0)
        return fail(ErrorCode::protocolError);
    if (!unwrap(payload))
        return;
    blockLast_ = frame_.has(flag::endStream);
    beginBlock();
    if (closing_)
        return;
    if (frame_.has(flag::endHeaders))
        return receiveBlock(payload);
    blockStream_ = frame_.stream;
    block_ = payload;
}

void Multiplexer::receiveContinuation(std::string_view payload) {
    if (blockStream_ == 0)
        return fail(ErrorCode::protocolError);
    if (block_.size() + payload.size() > maxBlock_)
        return fail(ErrorCode::enhanceYourCalm, Breach::headerFlood);
    block_.append(payload);
    if (!frame_.has(flag::endHeaders))
        return;
    blockStream_ = 0;
    receiveBlock(std::exchange(block_, {}));
}

// Takes off padding and the priority of RFC 7540, which says nothing any more (§5.3.2) but is still
// held to what it could not say.
bool Multiplexer::unwrap(std::string_view& payload) {
    std::size_t padding = 0;
    if (frame_.has(flag::padded)) {
        if (payload.empty()) {
            fail(ErrorCode::frameSizeError);
            return false;
        }
        padding = static_cast<unsigned char>(payload.front());
        payload.remove_prefix(1);
    }
    if (frame_.has(flag::priority)) {
        constexpr std::size_t kPriority = 5;
        if (payload.size() < kPriority) {
            fail(ErrorCode::frameSizeError);
            return false;
        }
        if ((readNumber(payload.data()) & kMaxStreamId) == frame_.stream) {
            fail(ErrorCode::protocolError);
            return false;
        }
        payload.remove_prefix(kPriority);
    }
    if (padding > payload.size()) {
        fail(ErrorCode::protocolError);
        return false;
    }
    payload.remove_suffix(padding);
    return true;
}

// Whose it is: heard_, unless nobody wants it.
void Multiplexer::beginBlock() {
    blockOpens_ = false;
    heard_ = streams_.find(frame_.stream);
    role_ == Role::server ? beginRequestBlock() : beginResponseBlock();
    if (heard_ != nullptr && heard_->reset)
        heard_ = nullptr;
    if (closing_)
        return;
    if (heard_ == nullptr)
        return handler_.onUnheard();
    handler_.onFieldsBegin(*heard_, blockOpens_);
}

void Multiplexer::beginRequestBlock() {
    const std::uint32_t id = frame_.stream;
    if (id % 2 == 0)
        return fail(ErrorCode::protocolError);
    if (heard_ != nullptr) {
        if (heard_->remoteEnded && !heard_->reset)
            fail(ErrorCode::streamClosed);
        return;
    }
    if (id > lastPeerStream_) {
        open(id);
    } else if (id > forgivenUpTo_) {
        fail(ErrorCode::streamClosed);
    }
}

void Multiplexer::open(std::uint32_t id) {
    lastPeerStream_ = id;
    if (id > acceptUpTo_) {
        forgivenUpTo_ = id;
        return;
    }
    if (streams_.size() >= maxStreams_) {
        forgivenUpTo_ = id;
        queueNumber(FrameType::rstStream, id, static_cast<std::uint32_t>(ErrorCode::refusedStream));
        --sent_.frames;  // it excuses nothing
        return;
    }
    heard_ = &add(id, nullptr);
    blockOpens_ = true;
    if (!early_.empty())
        applyEarly(*heard_);
}

void Multiplexer::beginResponseBlock() {
    if (heard_ == nullptr) {
        isOver(frame_.stream);
    } else if (heard_->remoteEnded && !heard_->reset) {
        failStream(*heard_, ErrorCode::streamClosed);
    }
}

void Multiplexer::receiveBlock(std::string_view block) {
    using Result = hpack::Decoder::Result;
    unheard_ = 0;
    const Result result = decoder_.decode(block, pool_.scratch, *this);
    Stream* const stream = std::exchange(heard_, nullptr);
    if (result == Result::failed)
        return fail(ErrorCode::compressionError);
    if (result == Result::stopped)
        return fail(ErrorCode::enhanceYourCalm, Breach::headerFlood);
    if (stream != nullptr && !stream->reset && !closing_)
        endBlock(*stream);
}

// Trailers end a request (§8.1), and a body that was announced to be longer was not whole.
void Multiplexer::endBlock(Stream& stream) {
    if (role_ == Role::server && !blockOpens_ && !blockLast_)
        return failStream(stream, ErrorCode::protocolError);
    if (blockLast_) {
        if (!bodyIsWhole(stream))
            return;
        stream.remoteEnded = true;
    }
    handler_.onFieldsEnd(stream, blockLast_);
    if (blockLast_)
        endRemote(stream);
}

bool Multiplexer::onField(std::string_view name, std::string_view value) {
    if (heard_ != nullptr && !heard_->reset) [[likely]]
        return handler_.onField(*heard_, name, value);
    unheard_ += name.size() + value.size();
    return unheard_ <= maxBlock_;
}

}  // namespace evergate::http2
