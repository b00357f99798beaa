// SPDX-License-Identifier: Apache-2.0
// The way of a BodyFlow whose bytes nobody looks at: from socket to socket, without a copy. Much
// goes this way, from sources that send faster than we read; little is cheaper to copy.
#include <utility>

#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::session {

namespace {

using http::Framing;
using net::SplicePipe;

// A piece that is smaller says that the source is not ahead of us.
constexpr std::size_t kLeastPiece = 16 * 1024;

bool isBare(Framing framing) noexcept {
    return framing == Framing::length || framing == Framing::untilClose;
}

}  // namespace

// The end of a body of known length is always read: there may be bytes behind it. Only what memory
// could take, too, if the receiver does not.
bool BodyFlow::splices(SessionContext& context, const net::Socket& from,
                       const net::Socket& to) const noexcept {
    return context.pipe.open() && isBare(in_) && isBare(out_) &&
           (in_ != Framing::length || remaining_ > SplicePipe::kPiece) && to.writable() &&
           from.layer() == nullptr && to.layer() == nullptr &&
           context.buffers.readShare() == net::BufferPool::kLarge;
}

// One piece, and then it is others' turn: that spaces the pieces of each connection out.
BodyFlow::Result BodyFlow::splicePiece(SessionContext& context, net::Socket& from,
                                       net::Socket& to) {
    SplicePipe& pipe = context.pipe;
    const net::IoResult got = pipe.fill(from, SplicePipe::kPiece);
    if (got.wouldBlock())
        return Result::needRead;
    if (got.bytes < 0)
        return pipe.open() ? Result::sourceFailed : Result::yield;
    if (got.eof())
        return endOfInput(from) ? Result::yield : Result::truncated;
    count(pipe.size());
    ahead_ = pipe.size() >= kLeastPiece;
    const net::IoResult moved = pipe.drain(to);
    if (moved.failed()) {
        sinkError_ = moved.error;
        return Result::sinkFailed;
    }
    noteSent(static_cast<std::size_t>(moved.bytes));
    context.counters.bytesSpliced += static_cast<std::size_t>(moved.bytes);
    if (pipe.size() == 0)
        return Result::yield;
    keepPiece(context);
    return to.writable() ? Result::yield : Result::needWrite;
}

// What the receiver did not take: the pipe is for others now.
void BodyFlow::keepPiece(SessionContext& context) {
    SplicePipe& pipe = context.pipe;
    net::Buffer buffer =
        pipe.size() > net::BufferPool::kSmall ? context.buffers.large() : context.buffers.small();
    const char* const begin = buffer.data();
    const std::size_t size = pipe.read(buffer.data(), buffer.capacity());
    pending_.adopt(std::move(buffer), begin, begin + size);
}

}  // namespace evergate::session
