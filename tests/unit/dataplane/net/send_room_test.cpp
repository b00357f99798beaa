// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/send_room.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::net {
namespace {

TEST(SendRoom, IsTakenAtOnceAndWhole) {
    auto [client, server] = test::connectedPair();
    std::vector<char> bytes;
    std::size_t room = sendRoom(client.fd());
    for (int times = 0; times < 200 && room >= 1'024; ++times, room = sendRoom(client.fd())) {
        bytes.resize(room);
        ASSERT_EQ(client.send(bytes.data(), room).bytes, static_cast<ssize_t>(room));
    }
}

TEST(SendRoom, ShrinksWhileNobodyReads) {
    auto [client, server] = test::connectedPair();
    const std::size_t before = sendRoom(client.fd());
    EXPECT_GT(before, 0u);
    const std::vector<char> bytes(64 * 1024);
    while (client.writable() && client.send(bytes.data(), bytes.size()).bytes > 0) {
    }
    EXPECT_LT(sendRoom(client.fd()), before);
}

TEST(SendRoom, KeepsToTheLimitOfUnsentBytes) {
    const Socket listener = test::listening({.reusePort = false, .unsentLimit = 32 * 1024});
    int fd = -1;
    ASSERT_FALSE(startConnect(SocketAddress::localOf(listener.fd()), fd));
    const Socket client(fd);
    Socket server = test::acceptFrom(listener);
    std::vector<char> bytes;
    std::size_t room = sendRoom(server.fd());
    EXPECT_GT(room, 0u);
    EXPECT_LE(room, 32u * 1024);
    for (int times = 0; times < 1'000 && room >= 1'024; ++times, room = sendRoom(server.fd())) {
        bytes.resize(room);
        ASSERT_EQ(server.send(bytes.data(), room).bytes, static_cast<ssize_t>(room));
    }
    EXPECT_LT(room, 1'024u);
}

TEST(SendRoom, IsNoneOfWhatIsNoSocket) {
    EXPECT_EQ(sendRoom(-1), 0u);
}

}  // namespace
}  // namespace evergate::net
