// SPDX-License-Identifier: Apache-2.0
// The comparison the fuzzers of messages rest on sees what it is to compare.
#include "tests/fuzz/message_boundaries.hpp"

#include <gtest/gtest.h>

namespace evergate::fuzz {
namespace {

constexpr std::string_view kChunked =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n";
constexpr std::string_view kNext = "GET / HTTP/1.1\r\n";

TEST(MessageBoundaries, AreThoseOfBothParsers) {
    const std::string bytes = std::string(kChunked) + std::string(kNext);
    const Boundary ours = readOurs(bytes, true, false);
    const Boundary theirs = readTheirs<true>(bytes, false);
    for (const Boundary& one : {ours, theirs}) {
        EXPECT_EQ(one.head, Reading::complete);
        EXPECT_EQ(one.body, Reading::complete);
        EXPECT_EQ(one.bytes, kChunked.size());
        EXPECT_EQ(one.content, "abcde");
    }
    EXPECT_TRUE(agree(ours, theirs));
}

TEST(MessageBoundaries, SeeBodiesThatGoOn) {
    const std::string_view cut = kChunked.substr(0, kChunked.size() - 2);
    EXPECT_EQ(readOurs(cut, true, false).body, Reading::incomplete);
    EXPECT_EQ(readTheirs<true>(cut, false).body, Reading::incomplete);
    const std::string_view open = "HTTP/1.1 200 OK\r\n\r\nabc";
    EXPECT_TRUE(readOurs(open, false, false).untilClose);
    EXPECT_TRUE(readTheirs<false>(open, false).untilClose);
    EXPECT_FALSE(readTheirs<false>(open, true).untilClose);
}

TEST(MessageBoundariesDeathTest, DifferencesAreFatal) {
    const Boundary ours = readOurs(kChunked, true, false);
    Boundary other = ours;
    --other.bytes;
    EXPECT_DEATH(agree(ours, other), "");
    other = ours;
    other.content += 'x';
    EXPECT_DEATH(agree(ours, other), "");
    other = ours;
    other.body = Reading::incomplete;
    EXPECT_DEATH(agree(ours, other), "");
    other = ours;
    other.head = Reading::refused;
    EXPECT_FALSE(agree(ours, other));
}

}  // namespace
}  // namespace evergate::fuzz
