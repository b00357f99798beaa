// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/ip_address.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

std::string canonical(std::string_view text) {
    const auto address = parseIpAddress(text);
    return address ? address->toText() : "-";
}

TEST(IpAddress, HasOneSpelling) {
    EXPECT_EQ(canonical("10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(canonical("255.255.255.255"), "255.255.255.255");
    EXPECT_EQ(canonical("FD00:0:0:0:0:0:0:1"), "fd00::1");
    EXPECT_EQ(canonical("fd00:77::1"), "fd00:77::1");
    EXPECT_EQ(canonical("1:0:0:2:0:0:0:3"), "1:0:0:2::3");
    EXPECT_EQ(canonical("1:0:2:3:4:5:6:7"), "1:0:2:3:4:5:6:7");
    EXPECT_EQ(canonical("::"), "::");
    EXPECT_EQ(canonical("1::"), "1::");
    EXPECT_EQ(canonical("::ffff:1.2.3.4"), "::ffff:102:304");
}

TEST(IpAddress, RefusesWhatIsNotOne) {
    for (const char* text : {"",
                             "a",
                             "1.2.3",
                             "1.2.3.4.5",
                             "01.2.3.4",
                             "256.0.0.1",
                             "1.2.3.4 ",
                             "1..2.3",
                             "1:2",
                             ":",
                             ":::",
                             "1:::2",
                             "1::2::3",
                             "fe80::1%eth0",
                             "[::1]",
                             "12345::",
                             "g::",
                             "1:2:3:4:5:6:7:8:9",
                             "1:2:3:4:5:6:7:",
                             "1:2:3:4:5:6:7::8",
                             "1.2.3.4::",
                             "::1.2.3",
                             "1.2.3.1111111111111"}) {
        EXPECT_EQ(canonical(text), "-") << text;
    }
}

TEST(IpAddress, KnowsWhatIsLocalAndWhatIsNowhere) {
    for (const char* text :
         {"127.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(parseIpAddress(text)->isLoopbackOrLinkLocal()) << text;
    }
    for (const char* text :
         {"0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "ff02::1"}) {
        EXPECT_TRUE(parseIpAddress(text)->isUnspecifiedOrMulticast()) << text;
    }
    for (const char* text : {"10.0.0.1", "192.0.2.1", "2001:db8::1", "fd00::1", "128.0.0.1"}) {
        EXPECT_FALSE(parseIpAddress(text)->isLoopbackOrLinkLocal()) << text;
        EXPECT_FALSE(parseIpAddress(text)->isUnspecifiedOrMulticast()) << text;
    }
}

}  // namespace
}  // namespace evergate::controller
