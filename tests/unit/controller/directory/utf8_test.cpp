// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/utf8.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::directory {
namespace {

TEST(FindInvalidUtf8, FindsNothingInText) {
    EXPECT_EQ(findInvalidUtf8(""), std::nullopt);
    EXPECT_EQ(findInvalidUtf8("a: b\n"), std::nullopt);
    EXPECT_EQ(findInvalidUtf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x90\x98"), std::nullopt);
}

TEST(FindInvalidUtf8, GivesTheFirstBadByte) {
    EXPECT_EQ(findInvalidUtf8("\xFF"), 0u);
    EXPECT_EQ(findInvalidUtf8("\xC3\xBC\xC0\xAF"), 2u);
    EXPECT_EQ(findInvalidUtf8("ab\xE2\x82"), 2u);
    EXPECT_EQ(findInvalidUtf8(std::string_view("ab\0c", 4)), 2u);
}

TEST(LineAt, CountsFromOne) {
    EXPECT_EQ(lineAt("", 0), 1);
    EXPECT_EQ(lineAt("a\nb\n", 0), 1);
    EXPECT_EQ(lineAt("a\nb\n", 1), 1);
    EXPECT_EQ(lineAt("a\nb\n", 2), 2);
    EXPECT_EQ(lineAt("a\nb\n", 100), 3);
}

}  // namespace
}  // namespace evergate::controller::directory
