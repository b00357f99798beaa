// SPDX-License-Identifier: Apache-2.0
// What comes in on an HTTP/2 connection, in portions: who sends much waits for the others.
#include <algorithm>
#include <cstring>

#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/http2_session.hpp"

namespace evergate::session {

namespace {

// Reads, and frames by what they cost (http2_frames.cpp), before others have their turn.
constexpr int kReadsPerTurn = 4;
constexpr std::uint32_t kCostPerTurn = 1'024;
// Octets of answers that wait for a client which does not read them.
constexpr std::size_t kMaxQueued = 32 * 1024;

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
    while (!input.empty() && !refused_ && turnCost_ < kCostPerTurn)
        input.remove_prefix(multiplexer_.receive(input));
    runWork();
    return refused_ || lost_ ? std::string_view() : input;
}

bool Http2Session::inputPaused() const noexcept {
    return refused_ || (!pending_.empty() && multiplexer_.queued() > kMaxQueued);
}

}  // namespace evergate::session
