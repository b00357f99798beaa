// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/connect.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::net {
namespace {

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

TEST(Connect, SetsItsOptionsBeforeItConnects) {
    const Socket listener = test::listening();
    int fd = -1;
    ASSERT_FALSE(
        startConnect(SocketAddress::localOf(listener.fd()), fd, std::chrono::milliseconds{1'500}));
    const Socket client(fd);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1'500);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ASSERT_TRUE(test::waitFor(fd, POLLOUT));
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
}

TEST(Connect, LeavesTheUserTimeoutAloneUnlessAsked) {
    const auto [client, server] = test::connectedPair();
    EXPECT_EQ(option(client.fd(), IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
}

TEST(Connect, RefusalShowsWithTheFirstEvent) {
    SocketAddress address;
    {
        const Socket listener = test::listening();
        address = SocketAddress::localOf(listener.fd());
    }
    int fd = -1;
    if (startConnect(address, fd)) {
        return;  // told at once, and nothing is left open
    }
    const Socket client(fd);
    ASSERT_TRUE(test::waitFor(fd, POLLOUT));
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

TEST(Connect, ErrorLeavesTheDescriptorAlone) {
    int fd = -1;
    EXPECT_TRUE(startConnect(*SocketAddress::parse("127.255.255.255", 9), fd));
    EXPECT_EQ(fd, -1);
}

}  // namespace
}  // namespace evergate::net
