// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/body_flow.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/http/head_edits.hpp"
#include "dataplane/net/send_room.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::session {

namespace {

using http::Framing;

// Reads per turn before other sessions get theirs: 16 x 256 KiB.
constexpr int kReadsPerTurn = 16;
// Less than this is copied to a small buffer instead of giving a large one away.
constexpr std::size_t kCopyLimit = net::BufferPool::kSmall;
// A read that brings so much says that there is more than can be read at once.
constexpr std::size_t kAhead = 32 * 1024;

std::size_t roomBehind(const net::Buffer& buffer, const char* end) noexcept {
    return static_cast<std::size_t>(buffer.data() + buffer.capacity() - end);
}

net::IoResult sendBoth(net::Socket& to, const Framed& body) {
    if (body.tail.empty())
        return to.send(body.begin, body.size());
    const iovec parts[2] = {{body.begin, body.size()},
                            {const_cast<char*>(body.tail.data()), body.tail.size()}};
    return to.sendv(parts, 2);
}

}  // namespace

// How much to read so that there is memory for what the receiver does not take; 0: not now. Without
// memory only as much as the receiver is sure to take.
std::size_t BodyFlow::readSize(net::BufferPool& buffers, const net::Socket& to) noexcept {
    const std::size_t share = buffers.readShare();
    constexpr std::size_t kLittle = net::BufferPool::kSmall - 512;  // a chunk's frame fits, too
    if (share == net::BufferPool::kLarge) [[likely]]
        return std::clamp(net::portionFor(to), kLittle, BodyFlow::kReadSize);
    if (share != 0 || (to.writable() && net::sendRoom(to.fd()) >= kLittle))
        return kLittle;
    buffers.noteStarved();
    return 0;
}

void BodyFlow::reset() noexcept {
    pending_.clear();
    sent_ = 0;
    received_ = 0;
    sinkError_ = 0;
    in_ = out_ = Framing::none;
    trailers_ = {};
    dropped_ = nullptr;
    inputDone_ = true;
    endDistrusted_ = false;
    filter_ = nullptr;
    unflushed_ = filterFailed_ = false;
}

void BodyFlow::start(Framing in, std::uint64_t length, Framing out) noexcept {
    if (in == Framing::chunked)
        decoder_.reset();
    limit_ = 0;
    overLimit_ = false;
    tail_.clear();
    trailers_ = {};
    dropped_ = nullptr;
    remaining_ = length;
    received_ = 0;
    endDistrusted_ = false;
    in_ = in;
    out_ = out;
    inputDone_ = in == Framing::none || (in == Framing::length && length == 0);
    ahead_ = in == Framing::length && length > net::BufferPool::kLarge;
}

Framed BodyFlow::frame(char* data, std::size_t size) {
    const bool before = inputDone_;
    const Framed in = strip(data, size);
    if (out_ != Framing::chunked || before)
        return in;
    Framed out = frameChunked(in.begin, in.end, inputDone_);
    out.consumed = in.consumed;
    return out;
}

Framed BodyFlow::strip(char* data, std::size_t size) {
    Framed out{data, data, {}, 0};
    if (inputDone_)
        return out;
    switch (in_) {
        case Framing::none:
            return out;
        case Framing::length: {
            const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(size, remaining_));
            out.end = data + take;
            out.consumed = take;
            count(take);
            return out;
        }
        case Framing::untilClose:
            out.end = data + size;
            out.consumed = size;
            count(size);
            return out;
        case Framing::chunked:
            out.end = stripChunked(data, size, out);
            received_ += out.size();
            overLimit_ = limit_ != 0 && received_ > limit_;
    }
    return out;
}

// Bytes of a body that has no framing around it.
void BodyFlow::count(std::size_t size) noexcept {
    received_ += size;
    if (in_ == Framing::length) {
        remaining_ -= size;
        inputDone_ = remaining_ == 0;
    }
}

// Moves the data of several chunks together, in place. The first run stays where it is.
char* BodyFlow::stripChunked(char* data, std::size_t size, Framed& out) {
    char* end = nullptr;
    std::size_t at = 0;
    while (at < size && !decoder_.done() && !decoder_.failed()) {
        const auto step = decoder_.next(std::string_view(data + at, size - at));
        if (!step.data.empty()) {
            if (end == nullptr) {
                out.begin = end = const_cast<char*>(step.data.data());
            } else if (end != step.data.data()) {
                std::memmove(end, step.data.data(), step.data.size());
            }
            end += step.data.size();
        }
        at += step.consumed;
    }
    out.consumed = at;
    inputDone_ = decoder_.done();
    if (inputDone_)
        takeTrailers(decoder_.trailers());
    return end == nullptr ? out.begin : end;
}

// `last`: the body ends here.
Framed BodyFlow::frameChunked(char* begin, char* end, bool last) {
    Framed out{begin, end, {}, 0};
    tail_.clear();
    if (begin != end) {
        char header[BodyFlow::kFramingRoom];
        const std::size_t size =
            http::writeChunkHeader(static_cast<std::uint64_t>(end - begin), header);
        out.begin -= size;
        std::memcpy(out.begin, header, size);
        tail_.append("\r\n");
    }
    if (last)
        addLastChunk(trailers());
    out.tail = tail_;
    return out;
}

void BodyFlow::addLastChunk(std::string_view trailers) {
    tail_.append("0\r\n").append(trailers).append("\r\n");
}

bool BodyFlow::endOfInput(const net::Socket& from) {
    if (in_ != Framing::untilClose || endDistrusted_)
        return false;
    inputDone_ = true;
    takeTrailers(from.trailers());
    return true;
}

void BodyFlow::takeTrailers(std::string_view section) {
    trailers_ = section;
    if (dropped_ == nullptr || section.empty()) [[likely]]
        return;
    keptTrailers_ = http::withoutFields(section, *dropped_);
    trailers_ = keptTrailers_;
}

bool BodyFlow::send(SessionContext& context, net::Socket& to, const Framed& framed,
                    net::Buffer& owner) {
    Framed body = framed;
    if (owner && !body.tail.empty() && body.tail.size() <= roomBehind(owner, body.end)) {
        // One run of bytes: a plain send is cheaper than a gathering one.
        std::memcpy(body.end, body.tail.data(), body.tail.size());
        body.end += body.tail.size();
        body.tail = {};
    }
    const std::size_t total = body.size() + body.tail.size();
    if (total == 0)
        return true;
    std::size_t done = 0;
    if (pending_.empty() && to.writable()) {
        const net::IoResult result = sendBoth(to, body);
        if (result.failed()) {
            sinkError_ = result.error;
            return false;
        }
        if (result.bytes > 0)
            done = static_cast<std::size_t>(result.bytes);
        sent_ += done;
    }
    return done == total || keepRest(context, body, done, owner);
}

bool BodyFlow::keep(SessionContext& context, const Framed& body, std::size_t sent,
                    net::Buffer& owner) {
    sent_ += sent;
    return keepRest(context, body, sent, owner);
}

bool BodyFlow::putBack(SessionContext& context, std::string_view sent) {
    Pending rest = std::exchange(pending_, Pending());
    return pending_.append(context.buffers, sent.data(), sent.size()) &&
           pending_.append(context.buffers, rest.data(), rest.size());
}

bool BodyFlow::keepRest(SessionContext& context, const Framed& body, std::size_t sent,
                        net::Buffer& owner) {
    if (sent < body.size()) {
        const char* begin = body.begin + sent;
        const auto left = static_cast<std::size_t>(body.end - begin);
        if (pending_.empty() && left > kCopyLimit && owner) {
            pending_.adopt(std::move(owner), begin, body.end);
        } else if (!pending_.append(context.buffers, begin, left)) {
            return false;
        }
        sent = body.size();
    }
    const std::string_view tail = body.tail.substr(sent - body.size());
    return pending_.append(context.buffers, tail.data(), tail.size());
}

BodyFlow::Result BodyFlow::pump(SessionContext& context, net::Socket& from, net::Socket& to,
                                std::string_view& leftover) {
    if (filter_ != nullptr) [[unlikely]]
        return pumpFiltered(context, from, to, leftover);
    for (int reads = 0; reads < kReadsPerTurn; ++reads) {
        if (const Result first = beforeReading(to); first != Result::yield)
            return first;
        if (!from.readable())
            return Result::needRead;
        if (ahead_ && splices(context, from, to))
            return splicePiece(context, from, to);
        const std::size_t most = readSize(context.buffers, to);
        if (most == 0)
            return Result::yield;  // the worker lets it wait
        const Result result = readOnce(context, from, to, most, leftover);
        if (result != Result::yield)
            return result;
    }
    return Result::yield;
}

// `yield` means: go on.
BodyFlow::Result BodyFlow::readOnce(SessionContext& context, net::Socket& from, net::Socket& to,
                                    std::size_t most, std::string_view& leftover) {
    net::Buffer& scratch = context.scratch();
    const net::IoResult got = from.recv(scratch.data(), most);
    if (got.wouldBlock())
        return Result::needRead;
    if (got.bytes < 0)
        return Result::sourceFailed;
    Framed out{scratch.data(), scratch.data(), {}, 0};
    const auto size = static_cast<std::size_t>(got.bytes);
    if (size == 0) {
        if (!endOfInput(from))
            return Result::truncated;
        if (out_ == Framing::chunked)
            out = frameChunked(out.begin, out.begin, true);
    } else {
        ahead_ = size >= kAhead;
        out = frame(scratch.data(), size);
        if (failed())
            return Result::badFraming;
        if (out.consumed < size)
            leftover = std::string_view(scratch.data() + out.consumed, size - out.consumed);
    }
    // Bytes behind the end stay readable: only a buffer without them may be taken over.
    net::Buffer none;
    if (!send(context, to, out, leftover.empty() ? scratch : none))
        return Result::sinkFailed;
    return Result::yield;
}

}  // namespace evergate::session
