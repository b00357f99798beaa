// SPDX-License-Identifier: Apache-2.0
// Bodies that go by the kernel alone are those that were sent, whatever the two peers do meanwhile.
#include <sys/epoll.h>

#include <algorithm>
#include <random>

#include "dataplane/session/body_flow.hpp"
#include "tests/unit/dataplane/net/loopback.hpp"
#include "tests/unit/dataplane/session/session_world.hpp"

namespace evergate::session::test {
namespace {

using http::Framing;
using net::SplicePipe;
using Result = BodyFlow::Result;

// No two places of it look the same.
std::string text(std::size_t size) {
    std::string bytes;
    bytes.reserve(size + 8);
    for (std::size_t i = 0; bytes.size() < size; ++i)
        bytes += std::to_string(i) + ' ';
    bytes.resize(size);
    return bytes;
}

class BodySpliceTest : public testing::Test {
protected:
    BodySpliceTest() { connect(); }

    void connect() {
        std::tie(peer, from) = net::test::connectedPair();
        std::tie(to, receiver) = net::test::connectedPair();
        received.clear();
        leftover.clear();
        given = 0;
    }

    // As much as the kernel takes.
    void feed(std::string_view wire, std::size_t most = SIZE_MAX) {
        while (given < wire.size() && most != 0) {
            const auto sent = peer.send(wire.data() + given, std::min(wire.size() - given, most));
            if (sent.bytes <= 0)
                break;
            given += static_cast<std::size_t>(sent.bytes);
            most -= static_cast<std::size_t>(sent.bytes);
        }
        from.noteEvents(EPOLLIN);
    }

    Result pump() {
        std::string_view more;
        const Result result = flow.pump(world.context, from, to, more);
        leftover += more;
        return result;
    }

    void receive() { received += SessionWorld::readAll(receiver); }

    // Once, between two peers that both have an event.
    Result move() {
        to.noteEvents(EPOLLOUT);
        const Result result = pump();
        receiver.noteEvents(EPOLLIN);
        receive();
        return result;
    }

    void end() {
        peer.shutdownWrite();
        ASSERT_TRUE(net::test::waitFor(from.fd(), POLLRDHUP));
        from.noteEvents(EPOLLIN | EPOLLRDHUP);
    }

    // Everything goes from peer to receiver; the last result.
    Result run(std::string_view wire) {
        Result result = Result::needRead;
        while (result == Result::needRead || result == Result::needWrite ||
               result == Result::yield) {
            feed(wire);
            result = move();
        }
        finishReceiving();
        return result;
    }

    // What is still on its way.
    void finishReceiving() {
        while (received.size() < flow.sent() && net::test::waitFor(receiver.fd(), POLLIN))
            receive();
    }

    std::uint64_t spliced() const { return world.context.counters.bytesSpliced; }

    SessionWorld world;
    BodyFlow flow;
    net::Socket peer;
    net::Socket from;
    net::Socket to;
    net::Socket receiver;
    std::string received;
    std::string leftover;
    std::size_t given = 0;
};

TEST_F(BodySpliceTest, MuchGoesWithoutACopy) {
    const std::string body = text(3'000'000);
    flow.start(Framing::length, body.size(), Framing::length);
    EXPECT_EQ(run(body), Result::done);
    EXPECT_TRUE(received == body);
    EXPECT_GT(spliced(), body.size() / 2);
    EXPECT_EQ(flow.received(), body.size());
    EXPECT_EQ(flow.sent(), body.size());
    EXPECT_EQ(world.context.pipe.size(), 0u);
}

TEST_F(BodySpliceTest, LittleIsCopied) {
    const std::string body = text(50'000);
    flow.start(Framing::length, body.size(), Framing::length);
    EXPECT_EQ(run(body), Result::done);
    EXPECT_TRUE(received == body);
    EXPECT_EQ(spliced(), 0u);
}

TEST_F(BodySpliceTest, FramedOnesAreCopied) {
    const std::string body = text(600'000);
    flow.start(Framing::length, body.size(), Framing::chunked);
    EXPECT_EQ(run(body), Result::done);
    EXPECT_GT(received.size(), body.size());
    EXPECT_EQ(spliced(), 0u);
}

TEST_F(BodySpliceTest, NothingBehindTheBodyIsTakenWithIt) {
    const std::string behind = "GET /next HTTP/1.1\r\n\r\n";
    for (const std::size_t more : {0, 1, 100, 61'440, 61'441}) {
        connect();
        flow.reset();
        const std::string body = text(5 * SplicePipe::kPiece + more);
        flow.start(Framing::length, body.size(), Framing::length);
        EXPECT_EQ(run(body + behind), Result::done);
        EXPECT_TRUE(received == body) << more;
        if (leftover.size() != behind.size()) {  // it had not come with the last of the body
            ASSERT_TRUE(net::test::waitFor(from.fd(), POLLIN));
            from.noteEvents(EPOLLIN);
            leftover += SessionWorld::readAll(from);
        }
        EXPECT_EQ(leftover, behind) << more;
    }
    EXPECT_GT(spliced(), 0u);
}

TEST_F(BodySpliceTest, TunnelsTooOnceTheSourceIsAhead) {
    const std::string body = text(2'000'000);
    flow.start(Framing::untilClose, 0, Framing::untilClose);
    feed("a few bytes", 11);
    ASSERT_TRUE(net::test::waitFor(from.fd(), POLLIN));
    EXPECT_EQ(pump(), Result::needRead);
    EXPECT_EQ(spliced(), 0u);
    given = 0;
    while (flow.received() < body.size() + 11) {
        feed(body);
        move();
    }
    ASSERT_NO_FATAL_FAILURE(end());
    EXPECT_EQ(run(body), Result::done);
    EXPECT_TRUE(received == "a few bytes" + body);
    EXPECT_GT(spliced(), body.size() / 2);
}

TEST_F(BodySpliceTest, SourcesThatAreNotAheadAreRead) {
    const std::string body = text(400'000);
    flow.start(Framing::length, body.size(), Framing::length);
    while (flow.received() < body.size()) {
        feed(body, 500);
        ASSERT_TRUE(net::test::waitFor(from.fd(), POLLIN));
        move();
    }
    finishReceiving();
    EXPECT_TRUE(received == body);
    EXPECT_LT(spliced(), 20'000u);
}

TEST_F(BodySpliceTest, ABlockedReceiverLosesNothing) {
    const std::string body = text(4'000'000);
    std::mt19937 random(7);
    const int little = 100'000;
    ::setsockopt(to.fd(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    flow.start(Framing::length, body.size(), Framing::length);
    bool blocked = false;
    for (Result result = Result::yield; result != Result::done;) {
        feed(body);
        result = pump();
        ASSERT_TRUE(result == Result::needRead || result == Result::needWrite ||
                    result == Result::yield || result == Result::done);
        ASSERT_EQ(world.context.pipe.size(), 0u) << "others need it";
        ASSERT_EQ(flow.blocked(), result == Result::needWrite);
        blocked |= flow.blocked();
        if (flow.blocked() || random() % 8 == 0) {
            receiver.noteEvents(EPOLLIN);
            receive();
            to.noteEvents(EPOLLOUT);
        }
    }
    finishReceiving();
    EXPECT_TRUE(blocked);
    EXPECT_TRUE(received == body);
    EXPECT_EQ(world.buffers.bytesInUse(), net::BufferPool::kLarge + net::BufferPool::kHeadroom);
}

TEST_F(BodySpliceTest, AnEndInTheMiddleIsATruncation) {
    const std::string part = text(500'000);
    flow.start(Framing::length, part.size() + 100'000, Framing::length);
    while (flow.received() < part.size()) {
        feed(part);
        move();
    }
    ASSERT_NO_FATAL_FAILURE(end());
    EXPECT_EQ(run(part), Result::truncated);
    EXPECT_TRUE(received == part);
}

TEST_F(BodySpliceTest, BrokenPeersAreToldApart) {
    const std::string body = text(500'000);
    flow.start(Framing::length, body.size(), Framing::length);
    feed(body);
    receiver.closeWithReset();
    ASSERT_TRUE(net::test::waitFor(to.fd(), POLLRDHUP));
    Result result = Result::yield;
    while (result == Result::yield || result == Result::needRead)
        result = pump();
    EXPECT_EQ(result, Result::sinkFailed);
    EXPECT_NE(flow.sinkError(), 0);
    EXPECT_EQ(world.context.pipe.size(), 0u);

    connect();
    flow.reset();
    flow.start(Framing::length, body.size(), Framing::length);
    peer.closeWithReset();
    ASSERT_TRUE(net::test::waitFor(from.fd(), POLLRDHUP));
    from.noteEvents(EPOLLIN | EPOLLHUP | EPOLLERR);
    EXPECT_EQ(pump(), Result::sourceFailed);
}

}  // namespace
}  // namespace evergate::session::test
