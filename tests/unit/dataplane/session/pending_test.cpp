// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/pending.hpp"

#include <sys/epoll.h>

#include "tests/unit/dataplane/session/session_world.hpp"

namespace evergate::session::test {
namespace {

std::string drain(Pending& pending, net::Socket& to, net::Socket& from) {
    std::string all;
    std::uint64_t sent = 0;
    int error = 0;
    while (!pending.empty()) {
        to.noteEvents(EPOLLOUT);
        EXPECT_TRUE(pending.flush(to, sent, error));
        all += SessionWorld::readAll(from);
    }
    EXPECT_EQ(sent, all.size());
    return all;
}

TEST(Pending, KeepsBytesInOrderAcrossItsSizes) {
    SessionWorld world;
    auto [to, from] = SessionWorld::sockets(8'192);
    Pending pending;
    std::string expected;
    for (std::size_t size : {1u, 5'000u, 11'000u, 1u, 30'000u, 200'000u}) {
        const std::string bytes(size, static_cast<char>('a' + expected.size() % 26));
        ASSERT_TRUE(pending.append(world.buffers, bytes.data(), bytes.size()));
        expected += bytes;
    }
    EXPECT_EQ(pending.size(), expected.size());
    EXPECT_EQ(drain(pending, to, from), expected);
    EXPECT_EQ(world.buffers.bytesInUse(), 0u);
}

TEST(Pending, RefusesMoreThanALargeBufferAndKeepsWhatItHas) {
    SessionWorld world;
    Pending pending;
    const std::string bytes(net::BufferPool::kLarge, 'x');
    ASSERT_TRUE(pending.append(world.buffers, bytes.data(), bytes.size()));
    EXPECT_FALSE(pending.append(world.buffers, "y", 1));
    EXPECT_EQ(pending.size(), bytes.size());
    Pending other;
    EXPECT_FALSE(other.append(world.buffers, bytes.data(), bytes.size() + 1));
    EXPECT_TRUE(other.empty());
}

TEST(Pending, TakesABufferOverWithItsHeadroomAndAppendsBehind) {
    SessionWorld world;
    auto [to, from] = SessionWorld::sockets();
    net::Buffer buffer = world.buffers.large();
    char* const begin = buffer.data() - 10;
    std::fill(begin, buffer.data() + 10, 'x');
    Pending pending;
    pending.adopt(std::move(buffer), begin, begin + 20);
    EXPECT_TRUE(pending.append(world.buffers, "tail", 4));
    EXPECT_EQ(drain(pending, to, from), std::string(20, 'x') + "tail");
}

TEST(Pending, SendsNothingWhileTheReceiverTakesNothing) {
    SessionWorld world;
    auto [to, from] = SessionWorld::sockets(4'096);
    Pending pending;
    const std::string bytes(100'000, 'x');
    ASSERT_TRUE(pending.append(world.buffers, bytes.data(), bytes.size()));
    std::uint64_t sent = 0;
    int error = 0;
    EXPECT_TRUE(pending.flush(to, sent, error));
    EXPECT_FALSE(pending.empty());
    EXPECT_FALSE(to.writable());
    EXPECT_EQ(pending.size() + sent, bytes.size());
}

TEST(Pending, SaysHowTheReceiverBroke) {
    SessionWorld world;
    auto [to, from] = SessionWorld::sockets();
    Pending pending;
    ASSERT_TRUE(pending.append(world.buffers, "x", 1));
    from.close();
    std::uint64_t sent = 0;
    int error = 0;
    EXPECT_FALSE(pending.flush(to, sent, error));
    EXPECT_EQ(error, EPIPE);
}

}  // namespace
}  // namespace evergate::session::test
