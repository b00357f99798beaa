// SPDX-License-Identifier: Apache-2.0
// Frames in: their heads, payloads in pieces, and DATA (RFC 9113 §4, §6.1).
#include <algorithm>
#include <cstring>

#include "dataplane/http2/multiplexer.hpp"

namespace evergate::http2 {
namespace {

// Idle, a connection keeps no more than this of what a frame in pieces needed.
constexpr std::size_t kKept = 1'024;

bool isKnown(FrameType type) noexcept {
    return type <= FrameType::continuation || type == FrameType::priorityUpdate;
}

// Whether a payload that always has the same length (§6.3, §6.4, §6.7, §6.9) has it.
bool hasItsLength(const FrameHead& frame) noexcept {
    switch (frame.type) {
        case FrameType::priority:
            return frame.length == 5;
        case FrameType::rstStream:
        case FrameType::windowUpdate:
            return frame.length == 4;
        case FrameType::ping:
            return frame.length == 8;
        default:
            return true;
    }
}

}  // namespace

std::size_t Multiplexer::receive(std::string_view bytes) {
    if (closing_)
        return bytes.size();
    if (prefaceLeft_ != 0)
        return takePreface(bytes);
    std::size_t used = 0;
    if (!inFrame_) {
        used = takeHead(bytes);
        if (!inFrame_)
            return used;
        bytes.remove_prefix(used);
    }
    return used + (frame_.type == FrameType::data ? takeData(bytes) : takePayload(bytes));
}

std::size_t Multiplexer::takePreface(std::string_view bytes) {
    const std::size_t size = std::min<std::size_t>(prefaceLeft_, bytes.size());
    if (bytes.substr(0, size) != kPreface.substr(kPreface.size() - prefaceLeft_, size))
        fail(ErrorCode::protocolError);
    prefaceLeft_ = static_cast<std::uint8_t>(prefaceLeft_ - size);
    return size;
}

std::size_t Multiplexer::takeHead(std::string_view bytes) {
    std::size_t used = kFrameHead;
    if (headSize_ == 0 && bytes.size() >= kFrameHead) [[likely]] {
        frame_ = readFrameHead(bytes.data());
    } else {
        used = std::min(kFrameHead - headSize_, bytes.size());
        std::memcpy(head_ + headSize_, bytes.data(), used);
        headSize_ = static_cast<std::uint8_t>(headSize_ + used);
        if (headSize_ < kFrameHead)
            return used;
        headSize_ = 0;
        frame_ = readFrameHead(head_);
    }
    left_ = frame_.length;
    beginFrame();
    inFrame_ = !closing_;
    return used;
}

void Multiplexer::beginFrame() {
    const bool isSettings = frame_.type == FrameType::settings && !frame_.has(flag::ack);
    const bool goesOn = frame_.type == FrameType::continuation && frame_.stream == blockStream_;
    if (frame_.length > kMaxFrame || !hasItsLength(frame_))
        return fail(ErrorCode::frameSizeError);
    if (!settingsSeen_ && !isSettings)
        return fail(ErrorCode::protocolError);
    if (blockStream_ != 0 && !goesOn)
        return fail(ErrorCode::protocolError);
    handler_.onFrame(frame_);
    if (frame_.type == FrameType::data && !closing_)
        beginData();
}

std::size_t Multiplexer::takePayload(std::string_view bytes) {
    if (!partial_.empty() || bytes.size() < left_)
        return takePiece(bytes);
    const std::size_t size = left_;
    left_ = 0;
    inFrame_ = false;
    receiveFrame(bytes.substr(0, size));
    return size;
}

std::size_t Multiplexer::takePiece(std::string_view bytes) {
    const std::size_t size = std::min<std::size_t>(left_, bytes.size());
    if (isKnown(frame_.type))
        partial_.append(bytes.substr(0, size));
    left_ -= static_cast<std::uint32_t>(size);
    if (left_ != 0)
        return size;
    inFrame_ = false;
    receiveFrame(partial_);
    partial_.clear();
    if (partial_.capacity() > kKept)
        std::string().swap(partial_);
    return size;
}

void Multiplexer::receiveFrame(std::string_view payload) {
    switch (frame_.type) {
        case FrameType::headers:
            return receiveHeaders(payload);
        case FrameType::continuation:
            return receiveContinuation(payload);
        case FrameType::windowUpdate:
            return receiveWindowUpdate(payload);
        case FrameType::rstStream:
            return receiveReset(payload);
        case FrameType::settings:
            return receiveSettings(payload);
        case FrameType::ping:
            return receivePing(payload);
        case FrameType::goaway:
            return receiveGoaway(payload);
        case FrameType::priority:
            return receivePriority(payload);
        case FrameType::priorityUpdate:
            return receivePriorityUpdate(payload);
        case FrameType::pushPromise:  // clients do not push, and we told servers not to
            return fail(ErrorCode::protocolError);
        case FrameType::data:
            break;
    }
}

// Whether nobody has opened it yet.
bool Multiplexer::isIdle(std::uint32_t id) const noexcept {
    const bool ours = (id % 2 == 0) == (role_ == Role::server);
    if (ours)
        return role_ == Role::server || id >= nextStream_;
    return role_ == Role::client || id > lastPeerStream_;
}

// Of a stream that is not there: it was, and what still comes for it may be on its way since before
// the peer knew. False: that cannot be (§5.1).
bool Multiplexer::isOver(std::uint32_t id) {
    if (isIdle(id)) {
        fail(ErrorCode::protocolError);
    } else if (id > forgivenUpTo_ && role_ == Role::server) {
        fail(ErrorCode::streamClosed);
    }
    return !closing_;
}

// That of the frame; null: nobody hears what comes for it.
Stream* Multiplexer::heardStream() noexcept {
    Stream* const stream = streams_.find(frame_.stream);
    return stream != nullptr && !stream->reset ? stream : nullptr;
}

// DATA

void Multiplexer::beginData() {
    if (frame_.stream == 0)
        return fail(ErrorCode::protocolError);
    if (frame_.has(flag::padded) && frame_.length == 0)
        return fail(ErrorCode::frameSizeError);
    Stream* const stream = streams_.find(frame_.stream);
    if (stream == nullptr && !isOver(frame_.stream))
        return;
    if (stream != nullptr && stream->remoteEnded && !stream->reset)
        return fail(ErrorCode::streamClosed);
    if (frame_.length > receiveWindow_)
        return fail(ErrorCode::flowControlError);
    receiveWindow_ -= frame_.length;
    padUnread_ = frame_.has(flag::padded);
    padLeft_ = 0;
    dataSize_ = frame_.length;
    if (stream == nullptr || stream->reset)
        return;
    if (frame_.length > stream->receiveWindow)
        return failStream(*stream, ErrorCode::flowControlError);
    stream->receiveWindow -= frame_.length;
    if (!padUnread_)
        countBody(*stream);
}

// Against what was announced: before any of a frame that is too long is passed on.
void Multiplexer::countBody(Stream& stream) {
    if (!stream.hasLength)
        return;
    if (dataSize_ > stream.bodyLeft)
        return failStream(stream, ErrorCode::protocolError);
    stream.bodyLeft -= dataSize_;
}

std::size_t Multiplexer::takeData(std::string_view bytes) {
    std::size_t used = padUnread_ ? takePadLength(bytes) : 0;
    if (padUnread_ || closing_)
        return used;
    bytes.remove_prefix(used);
    const std::size_t body = std::min<std::size_t>(bytes.size(), left_ - padLeft_);
    left_ -= static_cast<std::uint32_t>(body);
    if (body != 0)
        receiveData(bytes.substr(0, body));
    if (left_ == padLeft_) {
        const std::size_t padding = std::min<std::size_t>(bytes.size() - body, padLeft_);
        left_ -= static_cast<std::uint32_t>(padding);
        padLeft_ = left_;
        discardData(padding);
        used += padding;
        if (left_ == 0)
            endData();
    }
    return used + body;
}

std::size_t Multiplexer::takePadLength(std::string_view bytes) {
    if (bytes.empty())
        return 0;
    padUnread_ = false;
    padLeft_ = static_cast<unsigned char>(bytes.front());
    --left_;
    if (padLeft_ > left_) {
        fail(ErrorCode::protocolError);
        return 1;
    }
    dataSize_ = left_ - padLeft_;
    if (Stream* const stream = heardStream())
        countBody(*stream);
    discardData(1);
    return 1;
}

void Multiplexer::receiveData(std::string_view bytes) {
    Stream* const stream = heardStream();
    if (stream == nullptr)
        return consumeConnection(bytes.size());
    handler_.onData(*stream, bytes);
}

void Multiplexer::discardData(std::size_t size) {
    if (size == 0)
        return;
    if (Stream* const stream = streams_.find(frame_.stream))
        consumeStream(*stream, size);
    consumeConnection(size);
}

void Multiplexer::endData() {
    inFrame_ = false;
    const bool last = frame_.has(flag::endStream);
    if (!closing_)
        handler_.onDataFrame(dataSize_, last);
    Stream* const stream = heardStream();
    if (closing_ || !last || stream == nullptr || !bodyIsWhole(*stream))
        return;
    stream->remoteEnded = true;
    handler_.onEnd(*stream);
    endRemote(*stream);
}

}  // namespace evergate::http2
