// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/splice_pipe.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <csignal>
#include <string>
#include <tuple>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::net::test {
namespace {

class SplicePipeTest : public testing::Test {
protected:
    SplicePipeTest() {
        ::signal(SIGPIPE, SIG_IGN);  // as in a worker
        std::tie(peer, from) = connectedPair();
        std::tie(to, receiver) = connectedPair();
    }

    void feed(const std::string& bytes) {
        ASSERT_EQ(peer.send(bytes.data(), bytes.size()).bytes, ssize_t(bytes.size()));
        ASSERT_TRUE(waitFor(from.fd(), POLLIN));
        from.noteEvents(EPOLLIN);
    }

    std::string receive(std::size_t size) {
        std::string all(size, '\0');
        std::size_t done = 0;
        while (done < size && waitFor(receiver.fd(), POLLIN)) {
            const IoResult got = receiver.recv(all.data() + done, size - done);
            if (got.bytes <= 0)
                break;
            done += static_cast<std::size_t>(got.bytes);
        }
        all.resize(done);
        return all;
    }

    SplicePipe pipe;
    Socket peer;
    Socket from;
    Socket to;
    Socket receiver;
};

TEST_F(SplicePipeTest, MovesBytesBetweenSockets) {
    ASSERT_TRUE(pipe.open());
    feed("hello");
    EXPECT_EQ(pipe.fill(from, SplicePipe::kPiece).bytes, 5);
    EXPECT_EQ(pipe.size(), 5u);
    EXPECT_TRUE(from.readable()) << "fewer bytes than asked for say nothing";
    EXPECT_EQ(pipe.drain(to).bytes, 5);
    EXPECT_EQ(pipe.size(), 0u);
    EXPECT_EQ(receive(5), "hello");
}

TEST_F(SplicePipeTest, TakesNoMoreThanAskedFor) {
    feed("hello");
    EXPECT_EQ(pipe.fill(from, 3).bytes, 3);
    char rest[8];
    EXPECT_EQ(pipe.read(rest, 2), 2u);
    EXPECT_EQ(pipe.read(rest + 2, sizeof rest - 2), 1u);
    EXPECT_EQ(std::string(rest, 3), "hel");
    EXPECT_EQ(pipe.size(), 0u);
    EXPECT_EQ(from.recv(rest, sizeof rest).bytes, 2);
}

TEST_F(SplicePipeTest, NothingThereIsWouldBlock) {
    const IoResult got = pipe.fill(from, SplicePipe::kPiece);
    EXPECT_TRUE(got.wouldBlock());
    EXPECT_FALSE(from.readable());
    EXPECT_TRUE(pipe.open());
}

TEST_F(SplicePipeTest, SeesTheEndOfTheSource) {
    feed("x");
    peer.shutdownWrite();
    EXPECT_EQ(pipe.fill(from, SplicePipe::kPiece).bytes, 1);
    EXPECT_EQ(pipe.drain(to).bytes, 1);
    ASSERT_TRUE(waitFor(from.fd(), POLLRDHUP));
    EXPECT_TRUE(pipe.fill(from, SplicePipe::kPiece).eof());
    EXPECT_TRUE(from.hup());
}

TEST_F(SplicePipeTest, WhatAFullReceiverDoesNotTakeStaysInIt) {
    const std::string piece(SplicePipe::kPiece, 'p');
    std::size_t sent = 0;
    while (to.writable()) {
        feed(piece);
        while (from.readable() && to.writable()) {
            if (pipe.fill(from, SplicePipe::kPiece).bytes <= 0)
                break;
            const IoResult moved = pipe.drain(to);
            ASSERT_FALSE(moved.failed());
            sent += static_cast<std::size_t>(moved.bytes);
        }
    }
    ASSERT_GT(pipe.size(), 0u);
    std::string rest(SplicePipe::kPiece, '\0');
    const std::size_t left = pipe.size();
    EXPECT_EQ(pipe.read(rest.data(), rest.size()), left);
    EXPECT_EQ(receive(sent), std::string(sent, 'p'));
}

TEST_F(SplicePipeTest, IsEmptyAgainWhenTheReceiverIsGone) {
    receiver.closeWithReset();
    ASSERT_TRUE(waitFor(to.fd(), POLLRDHUP));
    feed("lost");
    ASSERT_EQ(pipe.fill(from, SplicePipe::kPiece).bytes, 4);
    IoResult moved = pipe.drain(to);
    EXPECT_TRUE(moved.failed());
    EXPECT_TRUE(moved.error == ECONNRESET || moved.error == EPIPE) << moved.error;
    EXPECT_EQ(pipe.size(), 0u);
    std::tie(to, receiver) = connectedPair();
    feed("next");
    ASSERT_EQ(pipe.fill(from, SplicePipe::kPiece).bytes, 4);
    EXPECT_EQ(pipe.drain(to).bytes, 4);
    EXPECT_EQ(receive(4), "next");
}

TEST_F(SplicePipeTest, EndsWhereTheKernelDoesNotKnowHow) {
    Socket unreadable(::epoll_create1(0));
    const IoResult got = pipe.fill(unreadable, SplicePipe::kPiece);
    EXPECT_TRUE(got.failed()) << got.bytes;
    EXPECT_FALSE(pipe.open());
}

}  // namespace
}  // namespace evergate::net::test
