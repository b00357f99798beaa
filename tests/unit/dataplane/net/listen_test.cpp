// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/listen.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::net {
namespace {

TEST(Listener, TakesNothingBeforeItListens) {
    const auto fd = openListener(test::loopback(), {});
    ASSERT_TRUE(fd);
    Socket listener(*fd);
    int client = -1;
    const auto error = startConnect(SocketAddress::localOf(listener.fd()), client);
    if (!error) {
        Socket socket(client);
        ASSERT_TRUE(test::waitFor(client, POLLOUT));
        EXPECT_EQ(socket.pendingError(), ECONNREFUSED);
    } else {
        EXPECT_EQ(error.value(), ECONNREFUSED);
    }
}

TEST(Listener, AcceptsWithInheritedNodelay) {
    auto [client, server] = test::connectedPair();
    int value = 0;
    socklen_t size = sizeof value;
    ASSERT_EQ(::getsockopt(server.fd(), IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    EXPECT_EQ(value, 1);
    EXPECT_EQ(SocketAddress::peerOf(server.fd()), SocketAddress::localOf(client.fd()));
}

TEST(Listener, AcceptSaysAgainWhenNobodyWaits) {
    const Socket listener = test::listening();
    SocketAddress peer;
    EXPECT_EQ(acceptOne(listener.fd(), peer), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST(Listener, SharesThePortWithReusePort) {
    const Socket first = test::listening({.reusePort = true});
    const auto second = openListener(SocketAddress::localOf(first.fd()), {.reusePort = true});
    ASSERT_TRUE(second);
    EXPECT_FALSE(startListening(*second, 16));
    Socket owner(*second);
}

TEST(Listener, FailsOnATakenPort) {
    const Socket first = test::listening();
    const auto second = openListener(SocketAddress::localOf(first.fd()), {.reusePort = false});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), std::errc::address_in_use);
}

TEST(PortTaken, SeesAnotherListenerEvenWithReusePort) {
    const Socket other = test::listening({.reusePort = true});
    EXPECT_TRUE(portTaken(SocketAddress::localOf(other.fd())));
}

TEST(PortTaken, IsFalseForAFreePort) {
    Socket other = test::listening();
    const SocketAddress address = SocketAddress::localOf(other.fd());
    other.close();
    EXPECT_FALSE(portTaken(address));
}

TEST(Listener, Ipv6WildcardTakesIpv4) {
    const auto fd = openListener(*SocketAddress::parse("::", 0), {});
    if (!fd)
        GTEST_SKIP() << "no IPv6 here";
    Socket listener(*fd);
    ASSERT_FALSE(startListening(listener.fd(), 16));
    int client = -1;
    ASSERT_FALSE(
        startConnect(test::loopback(SocketAddress::localOf(listener.fd()).port()), client));
    Socket owner(client);
    ASSERT_TRUE(test::waitFor(listener.fd(), POLLIN));
    SocketAddress peer;
    Socket server(acceptOne(listener.fd(), peer));
    ASSERT_TRUE(server);
    EXPECT_EQ(peer.textWithPort(), SocketAddress::localOf(client).textWithPort());
}

TEST(Listener, DeferAcceptWaitsForBytes) {
    const Socket listener = test::listening({.reusePort = false, .deferAccept = true});
    int fd = -1;
    ASSERT_FALSE(startConnect(SocketAddress::localOf(listener.fd()), fd));
    Socket client(fd);
    ASSERT_TRUE(test::waitFor(fd, POLLOUT));
    ASSERT_EQ(client.send("x", 1).bytes, 1);
    Socket server = test::acceptFrom(listener);
    ASSERT_TRUE(server);
    char byte = 0;
    EXPECT_EQ(server.recv(&byte, 1).bytes, 1);
    EXPECT_EQ(byte, 'x');
}

}  // namespace
}  // namespace evergate::net
