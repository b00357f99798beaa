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
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ASSERT_TRUE(test::waitFor(fd, POLLOUT));
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
}

// The kernel ends a connection at the first look behind the user timeout at which a probe has had
// no answer: there must have been several by then.
TEST(Connect, ProbesSeveralTimesWithinTheUserTimeout) {
    const auto [client, server] = test::connectedPair();
    setUserTimeout(client.fd(), std::chrono::seconds(60));
    const int idle = option(client.fd(), IPPROTO_TCP, TCP_KEEPIDLE);
    const int interval = option(client.fd(), IPPROTO_TCP, TCP_KEEPINTVL);
    EXPECT_EQ(option(client.fd(), IPPROTO_TCP, TCP_USER_TIMEOUT), 60'000);
    EXPECT_EQ(idle, 40);
    EXPECT_EQ((60 - idle) / interval, 4);
    setUserTimeout(client.fd(), std::chrono::hours(48));
    EXPECT_EQ(option(client.fd(), IPPROTO_TCP, TCP_KEEPIDLE), 32'767);
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

TEST(SourceAddresses, TakeTurnsWithinAFamily) {
    const auto one = *SocketAddress::parse("127.0.0.1", 0);
    const auto two = *SocketAddress::parse("127.0.0.2", 0);
    const auto six = *SocketAddress::parse("::1", 0);
    SourceAddresses sources({one, six, two}, 2);
    EXPECT_EQ(sources.count(AF_INET), 2u);
    EXPECT_EQ(sources.count(AF_INET6), 1u);
    EXPECT_EQ(*sources.next(AF_INET), two);
    EXPECT_EQ(*sources.next(AF_INET), one);
    EXPECT_EQ(*sources.next(AF_INET), two);
    EXPECT_EQ(*sources.next(AF_INET6), six);
    EXPECT_EQ(*sources.next(AF_INET6), six);
    EXPECT_EQ(SourceAddresses({one}).next(AF_INET6), nullptr);
    EXPECT_EQ(SourceAddresses().next(AF_INET), nullptr);
}

TEST(Connect, ComesFromItsSourceAddresses) {
    const Socket listener = test::listening();
    const SocketAddress to = SocketAddress::localOf(listener.fd());
    SourceAddresses sources(
        {*SocketAddress::parse("127.0.0.2", 0), *SocketAddress::parse("127.0.0.3", 0)});
    for (const std::string_view expected : {"127.0.0.2", "127.0.0.3", "127.0.0.2"}) {
        int fd = -1;
        ASSERT_FALSE(startConnect(to, fd, {}, &sources));
        const Socket client(fd);
        EXPECT_EQ(option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
        char text[SocketAddress::kMaxText];
        EXPECT_EQ(SocketAddress::localOf(fd).text(text), expected);
    }
}

TEST(Connect, PassesOverASourceThatCannotBeUsed) {
    const Socket listener = test::listening();
    const SocketAddress to = SocketAddress::localOf(listener.fd());
    // TEST-NET-1: nobody's address, so this machine has no port of it either.
    const auto nobody = *SocketAddress::parse("192.0.2.1", 0);
    SourceAddresses some({nobody, *SocketAddress::parse("127.0.0.2", 0)});
    int fd = -1;
    ASSERT_FALSE(startConnect(to, fd, {}, &some));
    const Socket client(fd);
    EXPECT_TRUE(SocketAddress::localOf(fd).loopback());

    SourceAddresses none({nobody});
    int other = -1;
    const auto error = startConnect(to, other, {}, &none);
    EXPECT_EQ(error.value(), EADDRNOTAVAIL);
    EXPECT_TRUE(lacksResources(error));
    EXPECT_EQ(other, -1);
    EXPECT_EQ(checkSource(nobody).value(), EADDRNOTAVAIL);
    EXPECT_FALSE(checkSource(*SocketAddress::parse("127.0.0.9", 0)));
}

TEST(Connect, OnlyLocalFailuresLackResources) {
    EXPECT_TRUE(lacksResources({EMFILE, std::system_category()}));
    EXPECT_TRUE(lacksResources({ENOBUFS, std::system_category()}));
    EXPECT_FALSE(lacksResources({ECONNREFUSED, std::system_category()}));
    EXPECT_FALSE(lacksResources({ENETUNREACH, std::system_category()}));
    EXPECT_FALSE(lacksResources({}));
}

}  // namespace
}  // namespace evergate::net
