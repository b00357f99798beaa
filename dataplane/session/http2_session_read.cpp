// SPDX-License-Identifier: Apache-2.0
// What comes in on an HTTP/2 connection, in portions: who sends much waits for the others.
#include <algorithm>
#include <cstring>

#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/http2_session.hpp"

namespace evergate::session {

using http2::Refusal;

namespace {

// Reads, and frames by what they cost (http2_frames.cpp), before others have their turn.
constexpr int kReadsPerTurn = 4;
constexpr std::uint32_t kCostPerTurn = 1'024;
// Answers that wait for a client which does not read them.
constexpr std::size_t kMaxQueuedFrames = 2'000;

}  // namespace

// False: the connection is gone.
bool Http2Session::read() {
    turnCost_ = 0;
    readHeld();
    for (int reads = 0; !lost_ && socket_.readable() && !inputPaused() && !holdsInput(); ++reads) {
        if (reads == kReadsPerTurn) {
            context_.queue.requeue(*this);
            break;
        }
        // Taken: what runs meanwhile reads, too.
        net::Buffer input = std::move(context_.scratch());
        const net::IoResult got = socket_.recv(input.data(), BodyFlow::kReadSize);
        if (got.wouldBlock())
            break;
        if (got.bytes <= 0) {
            lose(false);
            return false;
        }
        const std::string_view rest = feed({input.data(), static_cast<std::size_t>(got.bytes)});
        if (rest.size() > net::BufferPool::kSmall) {
            hold(std::move(input), rest);
        } else {
            hold(rest);
        }
    }
    return !lost_;
}

void Http2Session::readHeld() {
    if (!holdsInput() || inputPaused())
        return;
    net::Buffer input = std::move(held_);
    const std::string_view rest = feed(std::exchange(heldInput_, {}));
    if (!rest.empty())
        hold(std::move(input), rest);
}

// For the next turn.
void Http2Session::hold(net::Buffer input, std::string_view rest) {
    held_ = std::move(input);
    heldInput_ = rest;
    context_.queue.requeue(*this);
}

void Http2Session::hold(std::string_view rest) {
    if (rest.empty())
        return;
    const bool little = rest.size() <= net::BufferPool::kSmall;
    net::Buffer copy = little ? context_.buffers.small() : context_.buffers.large();
    std::memcpy(copy.data(), rest.data(), rest.size());
    const std::string_view copied(copy.data(), rest.size());
    hold(std::move(copy), copied);
}

void Http2Session::dropHeld() noexcept {
    heldInput_ = {};
    held_.reset();
}

// One frame after the other, as many as this turn may have; the rest is given back. The connection
// may be gone then.
std::string_view Http2Session::feed(std::string_view input) {
    while (!input.empty() && !refused_ && turnCost_ < kCostPerTurn) {
        const std::size_t part = nextPart(input.data(), input.size());
        const ssize_t used = nghttp2_session_mem_recv(
            frames_.get(), reinterpret_cast<const std::uint8_t*>(input.data()), part);
        if (used < 0 && !inputFailed(static_cast<int>(used)))
            return {};
        input.remove_prefix(part);
    }
    runWork();
    return refused_ || lost_ ? std::string_view() : input;
}

// How much of it to give to nghttp2 at once: no more than a frame, which is looked at before.
std::size_t Http2Session::nextPart(const char* data, std::size_t size) {
    if (frameLeft_ == 0) {
        const std::size_t part = std::min(size, sizeof frameHead_ - frameHeadSize_);
        std::memcpy(frameHead_ + frameHeadSize_, data, part);
        frameHeadSize_ += static_cast<std::uint8_t>(part);
        if (frameHeadSize_ < sizeof frameHead_)
            return part;
        frameHeadSize_ = 0;
        frameLeft_ = lookAtFrame(std::string_view(data + part, size - part));
        const std::size_t rest = std::min<std::size_t>(size - part, frameLeft_);
        frameLeft_ -= static_cast<std::uint32_t>(rest);
        return part + rest;
    }
    const std::size_t part = std::min<std::size_t>(size, frameLeft_);
    frameLeft_ -= static_cast<std::uint32_t>(part);
    return part;
}

// False: the connection is gone.
bool Http2Session::inputFailed(int error) {
    if (refused_)
        return true;
    if (error == NGHTTP2_ERR_NOMEM || error == NGHTTP2_ERR_CALLBACK_FAILURE) {
        lose(true);
        return false;
    }
    // Within a header block the only other error tells of CONTINUATION without end.
    if (error == NGHTTP2_ERR_FLOODED) {
        refuse(Refusal::unanswered, NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (headOpen_) {
        refuse(Refusal::headerFlood, NGHTTP2_ENHANCE_YOUR_CALM);
    } else {
        refuse(Refusal::protocolError, NGHTTP2_PROTOCOL_ERROR);
    }
    return true;
}

bool Http2Session::inputPaused() const noexcept {
    return refused_ || (!pending_.empty() &&
                        nghttp2_session_get_outbound_queue_size(frames_.get()) > kMaxQueuedFrames);
}

}  // namespace evergate::session
