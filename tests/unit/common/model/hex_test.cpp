// SPDX-License-Identifier: Apache-2.0
#include "common/model/hex.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace evergate::model {
namespace {

TEST(Hex, IsReadAsItIsWritten) {
    const std::array<std::uint8_t, 3> bytes{0x00, 0x9a, 0xff};
    EXPECT_EQ(hexOf(bytes), "009aff");
    EXPECT_EQ(hexOf(std::string("\xff\n")), "ff0a");
    std::array<std::uint8_t, 3> back{};
    EXPECT_TRUE(readHex("009aff", back));
    EXPECT_EQ(back, bytes);
}

TEST(Hex, RefusesOtherLengthsAndDigits) {
    std::string bytes(2, '\0');
    for (const char* wrong : {"", "00", "0000f", "00000", "00FF", "00g0", "0x00", " 000"})
        EXPECT_FALSE(readHex(wrong, bytes)) << wrong;
}

}  // namespace
}  // namespace evergate::model
