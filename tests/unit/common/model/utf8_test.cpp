// SPDX-License-Identifier: Apache-2.0
#include "common/model/utf8.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace evergate::model {
namespace {

// What RFC 3629 §3 says a code point looks like, without a check whether it may be encoded.
std::string encode(std::uint32_t point, int length) {
    std::string text;
    if (length == 1) {
        return std::string(1, static_cast<char>(point));
    }
    const std::uint32_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int i = length - 1; i >= 0; --i) {
        const std::uint32_t bits = point >> (6 * i);
        text += static_cast<char>(i == length - 1 ? marks[length] | bits : 0x80 | (bits & 0x3F));
    }
    return text;
}

int shortestLength(std::uint32_t point) {
    return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

TEST(Utf8, TakesEveryScalarValue) {
    for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
        const int length = shortestLength(point);
        const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        const std::size_t expected = surrogate ? 0 : static_cast<std::size_t>(length);
        ASSERT_EQ(utf8SequenceLength(encode(point, length)), expected) << std::hex << point;
    }
}

TEST(Utf8, RefusesOverlongForms) {
    EXPECT_EQ(utf8SequenceLength(encode('/', 2)), 0u);
    EXPECT_EQ(utf8SequenceLength(encode(0, 2)), 0u);
    for (const std::uint32_t point : {0x0u, 0x2Fu, 0x7Fu, 0x80u, 0x7FFu}) {
        EXPECT_EQ(utf8SequenceLength(encode(point, 3)), 0u) << point;
        EXPECT_EQ(utf8SequenceLength(encode(point, 4)), 0u) << point;
    }
    EXPECT_EQ(utf8SequenceLength(encode(0xFFFF, 4)), 0u);
}

TEST(Utf8, RefusesWhatLiesBeyondUnicode) {
    EXPECT_EQ(utf8SequenceLength("\xF4\x90\x80\x80"), 0u);
    EXPECT_EQ(utf8SequenceLength("\xF5\x80\x80\x80"), 0u);
    EXPECT_EQ(utf8SequenceLength("\xFF\xFF\xFF\xFF"), 0u);
}

TEST(Utf8, RefusesLoneAndMissingContinuations) {
    EXPECT_EQ(utf8SequenceLength("\x80"), 0u);
    EXPECT_EQ(utf8SequenceLength("\xBF\x80"), 0u);
    EXPECT_EQ(utf8SequenceLength("\xC3"), 0u);
    EXPECT_EQ(utf8SequenceLength("\xC3("), 0u);
    EXPECT_EQ(utf8SequenceLength("\xE2\x82"), 0u);
    EXPECT_EQ(utf8SequenceLength("\xE2\x82("), 0u);
    EXPECT_EQ(utf8SequenceLength("\xF0\x9F\x90"), 0u);
    EXPECT_EQ(utf8SequenceLength("\xF0\x9F\x90("), 0u);
}

TEST(Utf8, LooksAtTheFirstSequenceOnly) {
    EXPECT_EQ(utf8SequenceLength("a\xFF"), 1u);
    EXPECT_EQ(utf8SequenceLength("\xC3\xA9\xFF"), 2u);
}

}  // namespace
}  // namespace evergate::model
