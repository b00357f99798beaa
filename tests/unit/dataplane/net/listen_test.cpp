// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/listen.hpp"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <string>

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

// How much the kernel holds for a receiver that does not read.
std::size_t takenFor(Socket& server) {
    const std::string bytes(256 * 1024, 'x');
    std::size_t taken = 0;
    while (server.writable()) {
        const IoResult sent = server.send(bytes.data(), bytes.size());
        taken += static_cast<std::size_t>(std::max<ssize_t>(sent.bytes, 0));
    }
    return taken;
}

TEST(Listener, LimitsWhatTheKernelHoldsUnsent) {
    constexpr int kSegment = 64 * 1024;  // the one under way when the limit is reached
    const Socket listener =
        test::listening({.reusePort = false, .unsentLimit = kClientUnsentLimit});
    int fd = -1;
    ASSERT_FALSE(startConnect(SocketAddress::localOf(listener.fd()), fd));
    Socket client(fd);
    Socket server = test::acceptFrom(listener);
    std::size_t left = takenFor(server);
    int unsent = 0;
    ASSERT_EQ(::ioctl(server.fd(), SIOCOUTQNSD, &unsent), 0);
    EXPECT_LE(unsent, kClientUnsentLimit + kSegment);
    // When the receiver goes on it is told so, and all of it arrives.
    std::string into(64 * 1024, '\0');
    while (left != 0) {
        ASSERT_TRUE(test::waitFor(client.fd(), POLLIN));
        const IoResult got = client.recv(into.data(), into.size());
        ASSERT_GT(got.bytes, 0);
        left -= static_cast<std::size_t>(got.bytes);
    }
    EXPECT_TRUE(test::waitFor(server.fd(), POLLOUT));
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
