// SPDX-License-Identifier: Apache-2.0
#include "common/model/network.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::model {
namespace {

std::string show(std::string_view text) {
    const auto network = parseNetwork(text);
    if (!network)
        return "no network";
    std::string result = network->family == AddressFamily::ipv4 ? "4" : "6";
    const std::size_t bytes = network->family == AddressFamily::ipv4 ? 4 : 16;
    for (std::size_t i = 0; i < bytes; ++i)
        result.append(1, i == 0 ? ' ' : '.').append(std::to_string(network->address[i]));
    return result + "/" + std::to_string(network->bits);
}

TEST(ParseNetwork, TakesNetworksAndSingleAddresses) {
    EXPECT_EQ(show("10.0.0.0/8"), "4 10.0.0.0/8");
    EXPECT_EQ(show("192.168.1.7"), "4 192.168.1.7/32");
    EXPECT_EQ(show("0.0.0.0/0"), "4 0.0.0.0/0");
    EXPECT_EQ(show("2001:db8::/32"), "6 32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.0/32");
    EXPECT_EQ(show("::1"), "6 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1/128");
    EXPECT_EQ(show("::/0"), "6 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0/0");
}

TEST(ParseNetwork, ClearsTheBitsBehindThePrefix) {
    EXPECT_EQ(show("10.1.2.3/8"), "4 10.0.0.0/8");
    EXPECT_EQ(show("10.255.255.255/12"), "4 10.240.0.0/12");
    EXPECT_EQ(show("192.168.1.7/31"), "4 192.168.1.6/31");
    EXPECT_EQ(show("ffff::ffff/1"), "6 128.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0/1");
}

TEST(ParseNetwork, MappedNetworksAreIpv4) {
    EXPECT_EQ(show("::ffff:10.1.0.0/112"), "4 10.1.0.0/16");
    EXPECT_EQ(show("::ffff:10.1.2.3"), "4 10.1.2.3/32");
    EXPECT_EQ(show("::ffff:0:0/96"), "4 0.0.0.0/0");
    EXPECT_EQ(show("::ffff:0:0/95"), "6 0.0.0.0.0.0.0.0.0.0.255.254.0.0.0.0/95");
}

TEST(ParseNetwork, RefusesWhatIsNone) {
    for (const char* text : {"",
                             "/",
                             "/8",
                             "10.0.0.0/",
                             "10.0.0.0/33",
                             "10.0.0.0/-1",
                             "10.0.0.0/+8",
                             "10.0.0.0/08",
                             "10.0.0.0/8 ",
                             " 10.0.0.0/8",
                             "10.0.0.0/8/8",
                             "10.0.0/8",
                             "010.0.0.0/8",
                             "::/129",
                             "fe80::1%eth0/64",
                             "[::1]/128",
                             "example.com",
                             "10.0.0.0/255.0.0.0",
                             "*",
                             "all",
                             "10.0.0.0/99999999999"}) {
        EXPECT_EQ(show(text), "no network") << text;
    }
    EXPECT_EQ(show(std::string_view("10.0.0.1\0/8", 11)), "no network");
}

}  // namespace
}  // namespace evergate::model
