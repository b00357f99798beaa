// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/client_address.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::session {
namespace {

using model::ClientAddressHeader;

// Who that is, with 10.0.0.0/8 and 2001:db8:1::/48 trusted: "address port", with "tls" behind it.
std::string who(const std::string& lines, ClientAddressHeader where) {
    const auto parsed =
        http::testing::parseRequest("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
    EXPECT_EQ(parsed.result.status, http::ParseStatus::complete) << parsed.result.detail;
    const routing::SourceNetworks trusted({"10.0.0.0/8", "2001:db8:1::/48"});
    const SaidClient client = saidClient(parsed.head, where, trusted);
    std::string text = "peer";
    if (client.address) {
        char out[net::SocketAddress::kMaxText];
        text = std::string(client.address->text(out));
        if (client.address->port() != 0)
            text += ' ' + std::to_string(client.address->port());
    }
    return client.https ? text + " tls" : text;
}

std::string byList(const std::string& value) {
    return who("X-Forwarded-For: " + value + "\r\n", ClientAddressHeader::xForwardedFor);
}

std::string byForwarded(const std::string& value) {
    return who("Forwarded: " + value + "\r\n", ClientAddressHeader::forwarded);
}

TEST(SaidClient, IsTheRightmostUntrustedAddress) {
    EXPECT_EQ(byList("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(byList("6.6.6.6, 192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(byList("6.6.6.6, 192.0.2.1, 10.0.0.1, 10.9.9.9"), "192.0.2.1");
    EXPECT_EQ(byList("6.6.6.6,192.0.2.1,2001:db8:1::1"), "192.0.2.1");
    EXPECT_EQ(byList("2001:db8:2::1 ,\t10.0.0.1"), "2001:db8:2::1");
}

TEST(SaidClient, IsTheLastGoodOneWhereAnEntryIsNoAddress) {
    EXPECT_EQ(byList("192.0.2.1, unknown, 10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(byList("192.0.2.1, unknown"), "peer");
    EXPECT_EQ(byList("192.0.2.1, 10.0.0.1 10.0.0.2"), "peer");
    EXPECT_EQ(byList("192.0.2.1, \", 10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(byList("192.0.2.1, 1.2.3.4.5"), "peer");
}

TEST(SaidClient, IsTheFarthestWhereAllAreTrusted) {
    EXPECT_EQ(byList("10.0.0.7, 10.0.0.8"), "10.0.0.7");
    EXPECT_EQ(byList(" , 10.0.0.7,, 10.0.0.8, "), "10.0.0.7");
}

TEST(SaidClient, IsThePeerWithoutAWord) {
    EXPECT_EQ(byList(""), "peer");
    EXPECT_EQ(byList(" , ,"), "peer");
    EXPECT_EQ(who("", ClientAddressHeader::xForwardedFor), "peer");
    EXPECT_EQ(who("Forwarded: for=192.0.2.1\r\n", ClientAddressHeader::xForwardedFor), "peer");
    EXPECT_EQ(who("X-Forwarded-For: 192.0.2.1\r\n", ClientAddressHeader::forwarded), "peer");
}

TEST(SaidClient, ReadsSeveralFieldsAsOneList) {
    const auto where = ClientAddressHeader::xForwardedFor;
    EXPECT_EQ(who("X-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 10.0.0.1\r\n", where),
              "192.0.2.1");
    EXPECT_EQ(who("X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n", where),
              "192.0.2.1");
    EXPECT_EQ(who("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For:\r\n", where), "192.0.2.1");
}

// A client that names the field in Connection does not get rid of what the proxy says.
TEST(SaidClient, BelievesFieldsThatConnectionLists) {
    EXPECT_EQ(who("Connection: x-forwarded-for\r\nX-Forwarded-For: 192.0.2.1\r\n",
                  ClientAddressHeader::xForwardedFor),
              "192.0.2.1");
}

TEST(SaidClient, TakesPortsAlong) {
    EXPECT_EQ(byList("192.0.2.1:4711"), "192.0.2.1 4711");
    EXPECT_EQ(byList("[2001:db8:2::1]:4711, 10.0.0.1:80"), "2001:db8:2::1 4711");
    EXPECT_EQ(byList("[2001:db8:2::1]"), "2001:db8:2::1");
}

TEST(SaidClient, KnowsWhetherTheClientSpokeTls) {
    const auto where = ClientAddressHeader::xForwardedFor;
    EXPECT_EQ(who("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: HTTPS\r\n", where),
              "192.0.2.1 tls");
    EXPECT_EQ(who("X-Forwarded-Proto: https, http\r\n", where), "peer tls");
    EXPECT_EQ(who("X-Forwarded-Proto: http, https\r\n", where), "peer");
    EXPECT_EQ(who("X-Forwarded-Proto: httpsx\r\n", where), "peer");
    EXPECT_EQ(byForwarded("for=192.0.2.1;proto=https, for=10.0.0.1;proto=http"), "192.0.2.1 tls");
    EXPECT_EQ(byForwarded("for=6.6.6.6;proto=https, for=192.0.2.1;proto=http"), "192.0.2.1");
    EXPECT_EQ(who("Forwarded: for=192.0.2.1\r\nX-Forwarded-Proto: https\r\n",
                  ClientAddressHeader::forwarded),
              "192.0.2.1");
}

TEST(SaidClient, ReadsForwarded) {
    EXPECT_EQ(byForwarded("for=192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(byForwarded("For=\"192.0.2.1:4711\";by=10.0.0.1"), "192.0.2.1 4711");
    EXPECT_EQ(byForwarded("by=10.0.0.1; FOR=\"[2001:db8:2::1]:4711\" ;host=a"),
              "2001:db8:2::1 4711");
    EXPECT_EQ(byForwarded("for=6.6.6.6, for=\"[2001:db8:2::1]\", for=10.0.0.1"), "2001:db8:2::1");
    EXPECT_EQ(byForwarded("for=\"192.0.2.1:_x\""), "192.0.2.1");
}

TEST(SaidClient, DoubtsForwarded) {
    EXPECT_EQ(byForwarded("for=unknown"), "peer");
    EXPECT_EQ(byForwarded("for=_hidden, for=10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(byForwarded("proto=https"), "peer");
    EXPECT_EQ(byForwarded("for=192.0.2.1;for=192.0.2.2"), "peer");
    EXPECT_EQ(byForwarded("192.0.2.1"), "peer");
    EXPECT_EQ(byForwarded("for=\"192.0.2.1"), "peer");
}

// An open quote of the client's does not reach into what the proxy appended.
TEST(SaidClient, IsNotSwallowedByAQuote) {
    EXPECT_EQ(byForwarded("for=\"6.6.6.6, for=192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(byForwarded("for=\"6.6.6.6, for=\"[2001:db8:2::1]:1\""), "2001:db8:2::1 1");
    EXPECT_EQ(byForwarded("for=\"6.6.6.6\\\", for=192.0.2.1;proto=\"https\""), "192.0.2.1 tls");
}

TEST(ParseNode, TakesAddressesOnly) {
    for (const char* text : {"192.0.2.1", "192.0.2.1:1", "::1", "[::1]", "[::1]:65535",
                             "::ffff:192.0.2.1", "192.0.2.1:_obfuscated"})
        EXPECT_TRUE(parseNode(text)) << text;
    for (const char* text :
         {"", ":", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:1x", "[192.0.2.1]", "[::1", "[::1]1",
          "[]", "::1]:1", "1", "1.2.3", "localhost", "fe80::1%eth0", "_hidden", "unknown"})
        EXPECT_FALSE(parseNode(text)) << text;
}

}  // namespace
}  // namespace evergate::session
