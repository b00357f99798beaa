// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/address.hpp"

#include <gtest/gtest.h>

#include <array>

namespace evergate::net {
namespace {

std::string textOf(const SocketAddress& address) {
    std::array<char, SocketAddress::kMaxText> buffer;
    return std::string(address.text(buffer));
}

TEST(SocketAddress, ParsesIpv4) {
    const auto address = SocketAddress::parse("10.1.2.3", 8080);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->family(), AF_INET);
    EXPECT_EQ(address->port(), 8080);
    EXPECT_EQ(textOf(*address), "10.1.2.3");
    EXPECT_EQ(address->textWithPort(), "10.1.2.3:8080");
    EXPECT_EQ(address->nativeSize(), sizeof(sockaddr_in));
}

TEST(SocketAddress, ParsesIpv6) {
    const auto address = SocketAddress::parse("2001:db8::1", 443);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->family(), AF_INET6);
    EXPECT_EQ(address->textWithPort(), "[2001:db8::1]:443");
}

TEST(SocketAddress, ShowsMappedAddressAsIpv4) {
    const auto address = SocketAddress::parse("::ffff:10.0.0.9", 80);
    ASSERT_TRUE(address);
    EXPECT_EQ(textOf(*address), "10.0.0.9");
    EXPECT_EQ(address->textWithPort(), "10.0.0.9:80");
    EXPECT_EQ(address->hash(), SocketAddress::parse("10.0.0.9", 1)->hash());
}

TEST(SocketAddress, RejectsWhatIsNoLiteral) {
    for (const char* text : {"", "localhost", "10.1.2", "10.1.2.3.4", "10.1.2.256", " 10.1.2.3",
                             "[::1]", "fe80::1%eth0", "1:2:3:4:5:6:7:8:9"})
        EXPECT_FALSE(SocketAddress::parse(text, 80)) << text;
    EXPECT_FALSE(SocketAddress::parse(std::string_view("10.1.2.3\0x", 10), 80));
    EXPECT_FALSE(SocketAddress::parse(std::string(100, '1'), 80));
}

TEST(SocketAddress, ParsesWithPort) {
    EXPECT_EQ(SocketAddress::parseWithPort("127.0.0.1:80")->textWithPort(), "127.0.0.1:80");
    EXPECT_EQ(SocketAddress::parseWithPort("[::1]:65535")->textWithPort(), "[::1]:65535");
    for (const char* text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x", "::1:80",
                             "[127.0.0.1]:80", ":80", "[::1]", "127.0.0.1:-1"})
        EXPECT_FALSE(SocketAddress::parseWithPort(text)) << text;
}

TEST(SocketAddress, ComparesFamilyAddressAndPort) {
    const auto a = *SocketAddress::parse("10.0.0.1", 80);
    EXPECT_EQ(a, *SocketAddress::parse("10.0.0.1", 80));
    EXPECT_FALSE(a == *SocketAddress::parse("10.0.0.1", 81));
    EXPECT_FALSE(a == *SocketAddress::parse("10.0.0.2", 80));
    EXPECT_FALSE(a == *SocketAddress::parse("::ffff:10.0.0.1", 80));
}

TEST(SocketAddress, KnowsWildcardAndLoopback) {
    EXPECT_TRUE(SocketAddress::parse("0.0.0.0", 80)->wildcard());
    EXPECT_TRUE(SocketAddress::parse("::", 80)->wildcard());
    EXPECT_FALSE(SocketAddress::parse("::1", 80)->wildcard());
    EXPECT_TRUE(SocketAddress::parse("::1", 80)->loopback());
    EXPECT_TRUE(SocketAddress::parse("127.9.9.9", 80)->loopback());
    EXPECT_FALSE(SocketAddress::parse("10.0.0.1", 80)->loopback());
}

TEST(SocketAddress, HashIgnoresThePort) {
    EXPECT_EQ(SocketAddress::parse("10.0.0.1", 1)->hash(),
              SocketAddress::parse("10.0.0.1", 2)->hash());
    EXPECT_NE(SocketAddress::parse("10.0.0.1", 1)->hash(),
              SocketAddress::parse("10.0.0.2", 1)->hash());
}

TEST(SocketAddress, FromNativeIgnoresOtherFamilies) {
    sockaddr unixAddress{};
    unixAddress.sa_family = AF_UNIX;
    EXPECT_EQ(SocketAddress::fromNative(&unixAddress, sizeof unixAddress).textWithPort(),
              "0.0.0.0:0");
    const auto six = *SocketAddress::parse("::1", 9);
    EXPECT_EQ(SocketAddress::fromNative(six.native(), six.nativeSize()), six);
}

}  // namespace
}  // namespace evergate::net
