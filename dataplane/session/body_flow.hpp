// SPDX-License-Identifier: Apache-2.0
// One direction of a body: from a socket, through its framing, to another socket.
//
// Input framing is stripped in place (chunked) or counted (length); output framing is written anew
// around it, so nothing of the peer's framing is ever forwarded. What the receiver does not take is
// kept in one Pending; until that is empty nothing more is read. A tunnel is a BodyFlow with
// untilClose on both sides. A BodyFilter may rewrite what is between the two framings
// (body_filter.cpp); what nothing between the two sockets has to see goes by the kernel alone
// (body_splice.cpp). One worker thread; no sockets of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/http/body_filter.hpp"
#include "dataplane/http/chunked.hpp"
#include "dataplane/http/head.hpp"
#include "dataplane/net/buffer_pool.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/session/pending.hpp"

namespace evergate::session {

struct SessionContext;

// What body bytes turned into: [begin, end) is to be sent, then `tail`. Everything points into the
// buffer they came from (or, tail, into the flow). `consumed` counts input bytes used; the rest is
// not body.
struct Framed {
    char* begin = nullptr;
    char* end = nullptr;
    std::string_view tail;
    std::size_t consumed = 0;

    std::size_t size() const noexcept { return static_cast<std::size_t>(end - begin); }
};

class BodyFlow {
public:
    // Bytes that must be writable before the first byte given to frame(): room for a chunk header.
    static constexpr std::size_t kFramingRoom = 20;
    // How much one read takes: less than a large buffer, so that a tail fits behind it.
    static constexpr std::size_t kReadSize = net::BufferPool::kLarge - net::BufferPool::kSmall;

    enum class Result : std::uint8_t {
        needRead,      // the source has nothing more now
        needWrite,     // the receiver takes no more now; pending is not empty
        yield,         // moved its share of this turn; call again soon
        done,          // the whole body is with the kernel
        badFraming,    // the source's chunked coding is invalid, or the body over its limit
        truncated,     // the source ended in the middle
        sourceFailed,  // reset or error while reading
        sinkFailed,    // reset or error while writing
    };

    // Forgets everything, pending bytes included.
    void reset() noexcept;
    // Begins a body; bytes still pending stay and go first.
    void start(http::Framing in, std::uint64_t length, http::Framing out) noexcept;

    // True once the end of the input body was seen (its bytes may still be pending).
    bool inputDone() const noexcept { return inputDone_; }

    bool done() const noexcept { return inputDone_ && pending_.empty(); }

    bool failed() const noexcept {
        return in_ == http::Framing::chunked && (overLimit_ || decoder_.failed());
    }

    // After start(): a chunked body over `bytes` fails (0: no limit). Others tell their length.
    void limitTo(std::uint64_t bytes) noexcept { limit_ = bytes; }

    // After start(): what becomes of trailer fields with '_' in their name.
    void restrictTrailers(model::HeaderUnderscores rule) noexcept { decoder_.restrictNames(rule); }

    // After start(): trailer fields of these names, in lower case, are left out. Outlives the body.
    void dropTrailers(const std::vector<std::string>& names) noexcept { dropped_ = &names; }

    // After start(), whose `out` is chunked: what the body goes through; it outlives the flow's use
    // of it. Instead of frame() and send() there are strip() and sendFirst() then, or
    // frameFiltered().
    void filterBy(http::BodyFilter& filter) noexcept { filter_ = &filter; }

    bool filtered() const noexcept { return filter_ != nullptr; }

    // After the use of a filter, before reset(): lets go of what it did not get to.
    void dropUnfiltered() noexcept;

    bool filterFailed() const noexcept { return filterFailed_; }

    bool overLimit() const noexcept { return overLimit_; }

    const char* detail() const noexcept { return decoder_.detail(); }

    // Once the end was seen: the fields behind the body, "Name: value\r\n" each. Valid as long as
    // the source.
    std::string_view trailers() const noexcept { return trailers_; }

    // The receiver knows the end only when it is told: start() said untilClose.
    bool endsUntold() const noexcept { return out_ == http::Framing::untilClose; }

    // Takes body bytes at data[0, size) apart and frames them for the receiver, in place.
    Framed frame(char* data, std::size_t size);
    // The first half of that: takes them apart only, in place.
    Framed strip(char* data, std::size_t size);
    // As frame(), for the first bytes of a body, by a filter that may write where it reads.
    Framed frameFiltered(char* data, std::size_t size);
    // The source has come to its end: that of an untilClose body (true); otherwise it is truncated.
    bool endOfInput(const net::Socket& from);

    // From here on a close of the source is no proof of a complete body: its error was lost.
    void distrustEnd() noexcept { endDistrusted_ = true; }

    // Sends `body`, keeps what is not taken. `owner`: the buffer `body` points into; it is taken
    // over (and then empty) when much is left. An empty `owner` makes it copy. False: the receiver
    // is broken.
    bool send(SessionContext& context, net::Socket& to, const Framed& body, net::Buffer& owner);
    // As above when the first `sent` bytes of it went out with something else. False: the rest does
    // not fit.
    bool keep(SessionContext& context, const Framed& body, std::size_t sent, net::Buffer& owner);

    // `head` and, filtered, what strip() made of the bytes behind it, in one send. False: the
    // receiver is broken, or filterFailed().
    bool sendFirst(SessionContext& context, net::Socket& to, std::string_view head,
                   const Framed& body);

    // What was sent, all of it, goes again and first. False: it does not fit.
    bool putBack(SessionContext& context, std::string_view sent);

    // Moves bytes until something has to be waited for. `leftover` gets bytes behind the body's
    // end, as a view into the worker's scratch that is valid until the next read of any session.
    Result pump(SessionContext& context, net::Socket& from, net::Socket& to,
                std::string_view& leftover);

    // Sends what is pending; false: the receiver is broken.
    bool flush(net::Socket& to) { return pending_.flush(to, sent_, sinkError_); }

    int sinkError() const noexcept { return sinkError_; }  // errno of the send that failed

    Pending& pending() noexcept { return pending_; }

    bool blocked() const noexcept { return !pending_.empty(); }

    std::uint64_t received() const noexcept { return received_; }  // body bytes, framing stripped

    std::uint64_t sent() const noexcept { return sent_; }  // bytes handed to the kernel

    void noteSent(std::size_t bytes) noexcept { sent_ += bytes; }  // by another way than send()

private:
    // What comes first whenever more could be read; `yield`: nothing.
    Result beforeReading(net::Socket& to) {
        if (!pending_.empty()) {
            if (!flush(to))
                return Result::sinkFailed;
            if (!pending_.empty())
                return Result::needWrite;
        }
        return inputDone_ ? Result::done : Result::yield;
    }

    void count(std::size_t size) noexcept;
    void takeTrailers(std::string_view section);
    static std::size_t readSize(net::BufferPool& buffers, const net::Socket& to) noexcept;
    Framed frameChunked(char* begin, char* end, bool last);
    void addLastChunk(std::string_view trailers);
    char* stripChunked(char* data, std::size_t size, Framed& out);
    bool keepRest(SessionContext& context, const Framed& body, std::size_t sent,
                  net::Buffer& owner);
    Result readOnce(SessionContext& context, net::Socket& from, net::Socket& to, std::size_t most,
                    std::string_view& leftover);

    // body_splice.cpp
    bool splices(SessionContext& context, const net::Socket& from,
                 const net::Socket& to) const noexcept;
    Result splicePiece(SessionContext& context, net::Socket& from, net::Socket& to);
    void keepPiece(SessionContext& context);

    // body_filter.cpp
    bool sendFiltered(SessionContext& context, net::Socket& to, std::string_view lead,
                      std::string_view body, http::BodyFilter::Until until);
    Result pumpFiltered(SessionContext& context, net::Socket& from, net::Socket& to,
                        std::string_view& leftover);
    Result readFiltered(SessionContext& context, net::Socket& from, net::Socket& to,
                        std::size_t most, std::string_view& leftover);
    Result waitForMore(SessionContext& context, net::Socket& to);
    bool holdBack(SessionContext& context, std::string_view body, http::BodyFilter::Until until);
    bool goOn(SessionContext& context, net::Socket& to);

    http::BodyFilter::Until until() const noexcept {
        return inputDone_ ? http::BodyFilter::Until::end : http::BodyFilter::Until::more;
    }

    Pending pending_;
    http::ChunkedDecoder decoder_;
    std::string tail_;           // last chunk and trailers
    std::string_view trailers_;  // the source's or the decoder's, or keptTrailers_
    std::string keptTrailers_;   // what dropped_ leaves of them
    const std::vector<std::string>* dropped_ = nullptr;
    http::BodyFilter* filter_ = nullptr;
    Pending unfiltered_;  // unfinished_: the rest of its input
    std::uint64_t remaining_ = 0;
    std::uint64_t limit_ = 0;  // of a chunked body
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    http::Framing in_ = http::Framing::none;
    http::Framing out_ = http::Framing::none;
    int sinkError_ = 0;
    bool inputDone_ = true;
    bool ahead_ = false;  // the source sends faster than we read
    bool endDistrusted_ = false;
    bool overLimit_ = false;
    bool unflushed_ = false;   // the filter may hold back what it has taken
    bool unfinished_ = false;  // a step of it waits for the receiver
    http::BodyFilter::Until stepUntil_ = http::BodyFilter::Until::more;  // then: as that step
    bool filterFailed_ = false;
};

}  // namespace evergate::session
