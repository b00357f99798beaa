// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/body_flow.hpp"

#include <sys/epoll.h>

#include <optional>

#include "tests/unit/dataplane/session/session_world.hpp"

namespace evergate::session::test {
namespace {

using http::Framing;
using Result = BodyFlow::Result;

std::string chunked(const std::vector<std::string>& chunks, std::string_view trailers = "") {
    std::string wire;
    for (const std::string& chunk : chunks) {
        char header[24];
        wire.append(header, http::writeChunkHeader(chunk.size(), header));
        wire.append(chunk).append("\r\n");
    }
    return wire.append("0\r\n").append(trailers).append("\r\n");
}

// The body a receiver gets out of `wire`; nothing when it is not complete and exact.
std::optional<std::string> decode(Framing framing, std::string wire, std::string* trailers) {
    if (framing != Framing::chunked)
        return wire;
    http::ChunkedDecoder decoder;
    std::string body;
    std::string_view rest = wire;
    while (!rest.empty() && !decoder.done() && !decoder.failed()) {
        const auto step = decoder.next(rest);
        body += step.data;
        rest.remove_prefix(step.consumed);
    }
    if (!decoder.done() || !rest.empty())
        return std::nullopt;
    if (trailers != nullptr)
        *trailers = decoder.trailers();
    return body;
}

struct Body {
    Framing in;
    std::string wire;
    std::string payload;
};

std::vector<Body> bodies() {
    const std::string payload = "0123456789abcdefghijklmnopqrstuvwxyz";
    return {
        {Framing::length, payload, payload},
        {Framing::untilClose, payload, payload},
        {Framing::chunked, chunked({payload}), payload},
        {Framing::chunked,
         chunked({payload.substr(0, 1), payload.substr(1, 20), payload.substr(21)}, "X-Sum: 1\r\n"),
         payload},
        {Framing::chunked,
         "A;ext=\"1\"\r\n" + payload.substr(0, 10) + "\r\n1a \t;x\r\n" + payload.substr(10) +
             "\r\n000\r\n\r\n",
         payload}};
}

class BodyFlowTest : public testing::Test {
protected:
    void connect(int buffer = 0) {
        std::tie(peer, from) = SessionWorld::sockets();
        std::tie(to, receiver) = SessionWorld::sockets(buffer);
    }

    void feed(std::string_view bytes) {
        if (!bytes.empty()) {
            ASSERT_EQ(peer.send(bytes.data(), bytes.size()).bytes, ssize_t(bytes.size()));
        }
        from.noteEvents(EPOLLIN);
    }

    void feedEnd() {
        peer.shutdownWrite();
        from.noteEvents(EPOLLIN | EPOLLRDHUP);
    }

    Result pump() {
        std::string_view more;
        const Result result = flow.pump(world.context, from, to, more);
        leftover += more;
        received += SessionWorld::readAll(receiver);
        return result;
    }

    // Until the flow wants more input than there is.
    Result pumpAll() {
        Result result = pump();
        while (result == Result::needWrite || result == Result::yield) {
            to.noteEvents(EPOLLOUT);
            result = pump();
        }
        return result;
    }

    SessionWorld world;
    BodyFlow flow;
    net::Socket peer;  // where the body comes from
    net::Socket from;
    net::Socket to;
    net::Socket receiver;
    std::string received;
    std::string leftover;
};

TEST_F(BodyFlowTest, EveryFramingIntoEveryOtherAtEverySplit) {
    for (const Body& body : bodies()) {
        for (const Framing out : {Framing::length, Framing::chunked, Framing::untilClose}) {
            for (std::size_t split = 0; split <= body.wire.size(); ++split) {
                connect();
                received.clear();
                flow.reset();
                flow.start(body.in, body.payload.size(), out);
                feed(body.wire.substr(0, split));
                Result result = pumpAll();
                if (result == Result::needRead) {
                    feed(body.wire.substr(split));
                    if (body.in == Framing::untilClose)
                        feedEnd();
                    result = pumpAll();
                }
                ASSERT_EQ(result, Result::done) << int(body.in) << int(out) << ' ' << split;
                ASSERT_EQ(decode(out, received, nullptr), body.payload) << split;
                ASSERT_EQ(flow.received(), body.payload.size());
                ASSERT_EQ(flow.sent(), received.size());
            }
        }
    }
    EXPECT_EQ(leftover, "");
}

TEST_F(BodyFlowTest, GivesBackWhatIsBehindTheBody) {
    const std::string behind = "GET /next HTTP/1.1\r\n\r\n";
    for (const Body& body : bodies()) {
        if (body.in == Framing::untilClose)
            continue;
        for (const Framing out : {Framing::length, Framing::chunked}) {
            for (std::size_t split = 0; split < body.wire.size(); ++split) {
                connect();
                received.clear();
                leftover.clear();
                flow.reset();
                flow.start(body.in, body.payload.size(), out);
                feed(body.wire.substr(0, split));
                pumpAll();
                feed(body.wire.substr(split) + behind);
                ASSERT_EQ(pumpAll(), Result::done);
                ASSERT_EQ(leftover, behind);
                ASSERT_EQ(decode(out, received, nullptr), body.payload);
            }
        }
    }
}

TEST_F(BodyFlowTest, EndingEarlyIsNeverDone) {
    for (const Body& body : bodies()) {
        if (body.in == Framing::untilClose)
            continue;
        for (std::size_t end = 0; end < body.wire.size(); ++end) {
            connect();
            received.clear();
            flow.reset();
            flow.start(body.in, body.payload.size(), Framing::chunked);
            feed(body.wire.substr(0, end));
            feedEnd();
            ASSERT_EQ(pumpAll(), Result::truncated) << body.wire.substr(0, end);
            ASSERT_FALSE(decode(Framing::chunked, received, nullptr));
        }
    }
}

TEST_F(BodyFlowTest, EndThatProvesNothingIsATruncation) {
    connect();
    flow.start(Framing::untilClose, 0, Framing::chunked);
    flow.distrustEnd();
    feed("abc");
    feedEnd();
    EXPECT_EQ(pumpAll(), Result::truncated);
    EXPECT_FALSE(decode(Framing::chunked, received, nullptr));
    flow.reset();
    connect();
    flow.start(Framing::untilClose, 0, Framing::chunked);
    feedEnd();
    EXPECT_EQ(pumpAll(), Result::done);
}

// What broke one try says nothing of the next.
TEST_F(BodyFlowTest, DistrustEndsWithTheTry) {
    connect();
    flow.distrustEnd();
    flow.start(Framing::untilClose, 0, Framing::chunked);
    feedEnd();
    EXPECT_EQ(pumpAll(), Result::done);
}

TEST_F(BodyFlowTest, BadChunkDoesNotOutliveItsBody) {
    connect();
    flow.start(Framing::chunked, 0, Framing::chunked);
    feed("zz\r\n");
    EXPECT_EQ(pumpAll(), Result::badFraming);
    EXPECT_TRUE(flow.failed());
    flow.reset();
    flow.start(Framing::length, 3, Framing::length);
    EXPECT_FALSE(flow.failed());
    feed("abc");
    EXPECT_EQ(pumpAll(), Result::done);
    flow.start(Framing::chunked, 0, Framing::chunked);
    EXPECT_FALSE(flow.failed());
}

TEST_F(BodyFlowTest, NothingIsReadWhileTheReceiverIsBlocked) {
    const std::string payload(600'000, 'p');
    for (const Framing in : {Framing::length, Framing::chunked}) {
        for (const Framing out : {Framing::length, Framing::chunked}) {
            connect(4'096);
            received.clear();
            flow.reset();
            flow.start(in, payload.size(), out);
            const std::string wire =
                in == Framing::chunked ? chunked({payload}, "X: y\r\n") : payload;
            std::string_view rest = wire;
            Result result = Result::needRead;
            while (result != Result::done) {
                const auto sent = peer.send(rest.data(), std::max<std::size_t>(rest.size(), 1));
                if (!rest.empty() && sent.bytes > 0)
                    rest.remove_prefix(static_cast<std::size_t>(sent.bytes));
                from.noteEvents(EPOLLIN);
                to.noteEvents(EPOLLOUT);
                result = pump();
                ASSERT_LE(flow.pending().size(), net::BufferPool::kLarge);
                ASSERT_EQ(flow.blocked(), result == Result::needWrite);
            }
            std::string trailers;
            EXPECT_EQ(decode(out, received, &trailers), payload);
            EXPECT_EQ(trailers,
                      in == Framing::chunked && out == Framing::chunked ? "X: y\r\n" : "");
        }
    }
}

TEST_F(BodyFlowTest, KeepCountsWhatWentOutWithTheHead) {
    connect();
    flow.start(Framing::length, 10, Framing::length);
    char bytes[64] = "head----0123456789";
    net::Buffer none;
    const Framed framed = flow.frame(bytes + 8, 10);
    ASSERT_EQ(framed.size(), 10u);
    EXPECT_TRUE(flow.keep(world.context, framed, 4, none));
    EXPECT_EQ(flow.sent(), 4u);
    EXPECT_FALSE(flow.done());
    EXPECT_EQ(pumpAll(), Result::done);
    EXPECT_EQ(received, "456789");
    EXPECT_EQ(flow.sent(), 10u);
}

TEST_F(BodyFlowTest, TakesTheScratchOverInsteadOfCopyingMuch) {
    connect(4'096);
    flow.start(Framing::length, 100'000, Framing::chunked);
    const int large = 400'000;
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    feed(std::string(100'000, 'x'));
    const char* const scratch = world.context.scratch().data();
    EXPECT_EQ(pump(), Result::needWrite);
    EXPECT_NE(world.context.scratch().data(), scratch);
    EXPECT_EQ(pumpAll(), Result::done);
    EXPECT_EQ(decode(Framing::chunked, received, nullptr)->size(), 100'000u);
    flow.reset();
    EXPECT_EQ(world.buffers.bytesInUse(), net::BufferPool::kLarge + net::BufferPool::kHeadroom);
}

TEST_F(BodyFlowTest, BrokenPeersAreToldApart) {
    connect();
    flow.start(Framing::length, 100, Framing::length);
    feed("abc");
    receiver.close();
    EXPECT_EQ(pump(), Result::sinkFailed);
    EXPECT_EQ(flow.sinkError(), EPIPE);
    flow.reset();
    connect();
    flow.start(Framing::length, 100, Framing::length);
    EXPECT_EQ(flow.sinkError(), 0);
    // Unread bytes make the close of a socket pair a reset.
    from.send("unread", 6);
    peer.close();
    from.noteEvents(EPOLLIN | EPOLLHUP | EPOLLERR);
    EXPECT_EQ(pump(), Result::sourceFailed);
}

TEST(BodyFlow, ChunkedBodyOverItsLimitFails) {
    const auto feed = [](std::uint64_t limit, std::size_t step) {
        BodyFlow flow;
        flow.start(Framing::chunked, 0, Framing::chunked);
        flow.limitTo(limit);
        const std::string wire = chunked({"0123", "456789"});
        for (std::size_t at = 0; at < wire.size() && !flow.failed(); at += step) {
            std::string buffer(BodyFlow::kFramingRoom, ' ');
            buffer += wire.substr(at, step);
            flow.frame(buffer.data() + BodyFlow::kFramingRoom,
                       buffer.size() - BodyFlow::kFramingRoom);
        }
        EXPECT_EQ(flow.failed(), flow.overLimit());
        return flow.overLimit();
    };
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, std::size_t{100}}) {
        EXPECT_FALSE(feed(0, step));
        EXPECT_FALSE(feed(10, step));
        EXPECT_TRUE(feed(9, step));
        EXPECT_TRUE(feed(1, step));
    }
}

}  // namespace
}  // namespace evergate::session::test
