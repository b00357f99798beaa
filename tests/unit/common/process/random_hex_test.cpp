// SPDX-License-Identifier: Apache-2.0
#include "common/process/random_hex.hpp"

#include <gtest/gtest.h>

namespace evergate::process {
namespace {

TEST(RandomHex, IsEightDigitsAWordAndNeverTheSame) {
    const std::string one = randomHex(4);
    EXPECT_EQ(one.size(), 32u);
    EXPECT_EQ(one.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NE(one, randomHex(4));
    EXPECT_EQ(randomHex(0), "");
}

}  // namespace
}  // namespace evergate::process
