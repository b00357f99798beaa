// SPDX-License-Identifier: Apache-2.0
// The way of a BodyFlow with a filter in it: what was read is taken out of its framing, rewritten
// into a buffer of its own and framed anew. What the source has sent so far never waits in the
// filter: when there is nothing more to read, it is flushed.
#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::session {

namespace {

using http::BodyFilter;
using http::Framing;

// What one turn gives the filter to do: compressing this much takes a millisecond or so. With what
// a filter may hold back (up to 128 KiB) it fits into one large buffer, and so does what came with
// the head (kReadSize at most).
constexpr std::size_t kFilteredRead = 64 * 1024;
// Behind what the filter writes: the last chunk; longer trailers are sent from where they are.
constexpr std::size_t kTailRoom = 512;

}  // namespace

bool BodyFlow::sendFiltered(SessionContext& context, net::Socket& to, std::string_view lead,
                            std::string_view body, BodyFilter::Until until) {
    unflushed_ = until == BodyFilter::Until::more && (unflushed_ || !body.empty());
    std::string_view last;
    if (until == BodyFilter::Until::end)
        last = trailers();
    if (until == BodyFilter::Until::end && filter_->takeTrailers(last))
        last = {};
    BodyFilter::Step step;
    do {
        net::Buffer space = context.buffers.large();
        char* const begin = space.data() - space.headroom() + lead.size() + kFramingRoom;
        const char* const end = space.data() + space.capacity() - kTailRoom;
        step = filter_->step(body, begin, static_cast<std::size_t>(end - begin), until);
        if (step.failed || (!step.done && step.consumed + step.produced == 0)) {
            filterFailed_ = true;
            return false;
        }
        body.remove_prefix(step.consumed);
        Framed out = frameChunked(begin, begin + step.produced, false);
        if (step.done && until == BodyFilter::Until::end) {
            addLastChunk(last);
            out.tail = tail_;
        }
        out.begin -= lead.size();
        if (!lead.empty())
            std::memcpy(out.begin, lead.data(), lead.size());
        lead = {};
        if (!send(context, to, out, space))
            return false;
        if (!step.done && !pending_.empty())
            return holdBack(context, body, until);
    } while (!step.done);
    return true;
}

// A filter that makes more of a body than it was: the receiver first takes what there is.
bool BodyFlow::holdBack(SessionContext& context, std::string_view body, BodyFilter::Until until) {
    unfinished_ = true;
    stepUntil_ = until;
    return unfiltered_.append(context.buffers, body.data(), body.size());
}

bool BodyFlow::goOn(SessionContext& context, net::Socket& to) {
    unfinished_ = false;
    const Pending rest = std::exchange(unfiltered_, Pending());
    return sendFiltered(context, to, {}, {rest.data(), rest.size()}, stepUntil_);
}

void BodyFlow::dropUnfiltered() noexcept {
    unfiltered_.clear();
    unfinished_ = false;
}

Framed BodyFlow::frameFiltered(char* data, std::size_t size) {
    const Framed in = strip(data, size);
    const BodyFilter::Step step =
        filter_->step({in.begin, in.size()}, in.begin, in.size(), until());
    filterFailed_ = step.failed || !step.done;
    Framed out = frameChunked(in.begin, in.begin + step.produced, inputDone_);
    out.consumed = in.consumed;
    return out;
}

bool BodyFlow::sendFirst(SessionContext& context, net::Socket& to, std::string_view head,
                         const Framed& body) {
    return sendFiltered(context, to, head, {body.begin, body.size()}, until());
}

// As pump(), with one read per call.
BodyFlow::Result BodyFlow::pumpFiltered(SessionContext& context, net::Socket& from, net::Socket& to,
                                        std::string_view& leftover) {
    for (bool read = false;;) {
        const Result first = beforeReading(to);
        if (unfinished_ && (first == Result::yield || first == Result::done)) {
            if (!goOn(context, to))
                return Result::sinkFailed;
            continue;
        }
        if (first != Result::yield)
            return first;
        if (!from.readable())
            return waitForMore(context, to);
        if (read)
            return Result::yield;
        const std::size_t most = std::min(readSize(context.buffers, to), kFilteredRead);
        if (most == 0)
            return Result::yield;  // the worker lets it wait
        const Result result = readFiltered(context, from, to, most, leftover);
        if (result != Result::yield)
            return result;
        read = true;
    }
}

BodyFlow::Result BodyFlow::readFiltered(SessionContext& context, net::Socket& from, net::Socket& to,
                                        std::size_t most, std::string_view& leftover) {
    net::Buffer& scratch = context.scratch();
    const net::IoResult got = from.recv(scratch.data(), most);
    if (got.wouldBlock())
        return waitForMore(context, to);
    if (got.bytes < 0)
        return Result::sourceFailed;
    Framed in{scratch.data(), scratch.data(), {}, 0};
    const auto size = static_cast<std::size_t>(got.bytes);
    if (size == 0) {
        if (!endOfInput(from))
            return Result::truncated;
    } else {
        in = strip(scratch.data(), size);
        if (failed())
            return Result::badFraming;
        if (in.consumed < size)
            leftover = std::string_view(scratch.data() + in.consumed, size - in.consumed);
    }
    return sendFiltered(context, to, {}, {in.begin, in.size()}, until()) ? Result::yield
                                                                         : Result::sinkFailed;
}

// The source has nothing more right now: what it sent so far goes out.
BodyFlow::Result BodyFlow::waitForMore(SessionContext& context, net::Socket& to) {
    if (!unflushed_)
        return Result::needRead;
    if (!sendFiltered(context, to, {}, {}, BodyFilter::Until::flush))
        return Result::sinkFailed;
    return pending_.empty() ? Result::needRead : Result::needWrite;
}

}  // namespace evergate::session
