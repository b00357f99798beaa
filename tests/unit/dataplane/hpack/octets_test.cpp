// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/octets.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace evergate::hpack {
namespace {

TEST(Octets, LoadsNoMoreThanThereIs) {
    for (std::size_t size = 0; size < 20; ++size) {
        std::vector<char> text;
        for (std::size_t i = 0; i < size; ++i)
            text.push_back(static_cast<char>(0x81 + i));
        const std::size_t tail = size % kWord;
        EXPECT_EQ(loadTail({text.data(), size}), loadSlowly(text.data() + size - tail, tail));
    }
}

TEST(Octets, ComparesAllOfThem) {
    for (std::size_t size = 0; size < 40; ++size) {
        const std::string text(size, 'x');
        EXPECT_TRUE(equal(text, std::string(size, 'x')));
        EXPECT_FALSE(equal(text, text + "x"));
        for (std::size_t at = 0; at < size; ++at) {
            std::string other = text;
            other[at] = 'y';
            ASSERT_FALSE(equal(text, other));
        }
    }
}

}  // namespace
}  // namespace evergate::hpack
