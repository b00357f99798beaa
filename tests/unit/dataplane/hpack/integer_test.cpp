// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/integer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/unit/dataplane/hpack/blocks.hpp"

namespace evergate::hpack {
namespace {

bool read(const std::string& text, unsigned bits, std::uint32_t& value) {
    Cursor in{text.data(), text.data() + text.size()};
    return readInteger(in, bits, value) && in.left() == 0;
}

TEST(Integer, ReadsTheExamplesOfTheStandard) {  // RFC 7541 C.1
    std::uint32_t value = 0;
    EXPECT_TRUE(read(octets("0a"), 5, value));
    EXPECT_EQ(value, 10U);
    EXPECT_TRUE(read(octets("1f9a0a"), 5, value));
    EXPECT_EQ(value, 1337U);
    EXPECT_TRUE(read(octets("ff9a0a"), 5, value));  // what is above the prefix does not count
    EXPECT_EQ(value, 1337U);
}

TEST(Integer, ReadsWhatItWrites) {
    for (unsigned bits = 4; bits <= 7; ++bits) {
        for (const std::uint32_t value : {0U, 1U, 14U, 15U, 16U, 30U, 31U, 62U, 63U, 126U, 127U,
                                          128U, 254U, 255U, 4096U, 1'000'000U, 0xffffffffU}) {
            std::array<char, kMaxIntegerSize> out{};
            const std::string text(out.data(), writeInteger(0, bits, value, out.data()));
            std::uint32_t same = 0;
            EXPECT_TRUE(read(text, bits, same)) << value;
            EXPECT_EQ(same, value);
            EXPECT_FALSE(text.size() > 1 && read(text.substr(0, text.size() - 1), bits, same));
        }
    }
}

TEST(Integer, RefusesWhatIsTooLong) {
    std::uint32_t value = 0;
    EXPECT_TRUE(read(octets("7f 80ffffff0f"), 7, value));
    EXPECT_EQ(value, 0xffffffffU);
    EXPECT_FALSE(read(octets("7f 81ffffff0f"), 7, value));  // 2^32
    EXPECT_FALSE(read(octets("7f 8080808010"), 7, value));
    EXPECT_FALSE(read(octets("7f ffffffffff"), 7, value));
    EXPECT_TRUE(read(octets("7f 8080808000"), 7, value));
    EXPECT_FALSE(read(octets("7f 808080808000"), 7, value));  // zeros without end
}

}  // namespace
}  // namespace evergate::hpack
