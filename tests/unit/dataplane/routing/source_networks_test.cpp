// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/source_networks.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace evergate::routing {
namespace {

SourceNetworks::Address address(const std::string& text) {
    SourceNetworks::Address bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (inet_pton(AF_INET, text.c_str(), &bytes[12]) != 1) {
        EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), bytes.data()), 1) << text;
    }
    return bytes;
}

bool serves(const std::vector<std::string>& networks, const std::string& client) {
    return SourceNetworks(networks).contains(address(client));
}

TEST(SourceNetworks, ServesWhoIsInside) {
    const std::vector<std::string> networks{"10.0.0.0/8", "192.168.1.0/24", "172.16.0.1",
                                            "2001:db8::/32", "::1"};
    for (const char* in :
         {"10.0.0.0", "10.255.255.255", "192.168.1.0", "192.168.1.255", "172.16.0.1",
          "2001:db8::", "2001:db8:ffff::1", "::1", "::ffff:10.1.2.3"})
        EXPECT_TRUE(serves(networks, in)) << in;
    for (const char* out :
         {"9.255.255.255", "11.0.0.0", "192.168.0.255", "192.168.2.0", "172.16.0.0", "172.16.0.2",
          "2001:db7:ffff::", "2001:db9::", "::2", "::", "::ffff:11.0.0.1"})
        EXPECT_FALSE(serves(networks, out)) << out;
}

TEST(SourceNetworks, AnEmptyListServesNobody) {
    EXPECT_FALSE(serves({}, "127.0.0.1"));
    EXPECT_FALSE(serves({"nonsense"}, "::1"));
}

TEST(SourceNetworks, FamiliesDoNotMix) {
    EXPECT_TRUE(serves({"0.0.0.0/0"}, "203.0.113.9"));
    EXPECT_FALSE(serves({"0.0.0.0/0"}, "2001:db8::1"));
    EXPECT_TRUE(serves({"::/0"}, "2001:db8::1"));
    EXPECT_FALSE(serves({"::/0"}, "203.0.113.9"));
    EXPECT_FALSE(serves({"::/0"}, "::ffff:203.0.113.9"));
    EXPECT_TRUE(serves({"::ffff:203.0.113.0/120"}, "203.0.113.9"));
}

TEST(SourceNetworks, OverlapsAndOrderDoNotMatter) {
    const std::vector<std::string> networks{"10.2.0.0/16", "10.0.0.0/8", "10.1.0.0/16",
                                            "9.9.9.9",     "0.0.0.0/32", "255.255.255.255"};
    for (const char* in :
         {"10.0.0.1", "10.1.5.5", "10.200.0.1", "9.9.9.9", "0.0.0.0", "255.255.255.255"})
        EXPECT_TRUE(serves(networks, in)) << in;
    EXPECT_FALSE(serves(networks, "9.9.9.10"));
    EXPECT_FALSE(serves(networks, "11.0.0.0"));
}

}  // namespace
}  // namespace evergate::routing
