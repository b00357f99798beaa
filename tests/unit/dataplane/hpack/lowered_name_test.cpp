// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/lowered_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::hpack {
namespace {

TEST(LoweredName, LowersLettersOnly) {
    for (std::size_t size = 1; size <= LoweredName::kLongest; ++size) {
        for (int c = 0; c < 256; ++c) {
            const std::string name(size, static_cast<char>(c));
            const int lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
            ASSERT_EQ(LoweredName(name).text(), std::string(size, static_cast<char>(lower)));
        }
    }
}

TEST(LoweredName, ComparesAllOctets) {
    for (std::size_t size = 1; size <= LoweredName::kLongest; ++size) {
        const std::string name(size, 'x');
        const LoweredName lowered(name);
        EXPECT_TRUE(lowered.is(name));
        EXPECT_FALSE(lowered.is(name + "x"));
        for (std::size_t at = 0; at < size; ++at) {
            std::string other = name;
            other[at] = 'y';
            ASSERT_FALSE(lowered.is(other));
        }
    }
}

TEST(LoweredName, HashesNamesOfAnyCaseAlike) {
    EXPECT_EQ(LoweredName("X-Request-Id").hash(), LoweredName("x-request-id").hash());
    EXPECT_NE(LoweredName("x-request-ie").hash(), LoweredName("x-request-id").hash());
}

}  // namespace
}  // namespace evergate::hpack
