// SPDX-License-Identifier: Apache-2.0
#include "common/model/json_depth.hpp"

#include <gtest/gtest.h>

namespace evergate::model {
namespace {

TEST(JsonDepth, CountsObjectsAndArrays) {
    EXPECT_FALSE(nestsDeeperThan("", 0));
    EXPECT_FALSE(nestsDeeperThan(R"({"a":[1,{"b":2}]})", 3));
    EXPECT_TRUE(nestsDeeperThan(R"({"a":[1,{"b":2}]})", 2));
    EXPECT_FALSE(nestsDeeperThan("[][][][]", 1));
}

TEST(JsonDepth, PassesOverStrings) {
    EXPECT_FALSE(nestsDeeperThan(R"(["[[[[", "\"[[[["])", 1));
}

TEST(JsonDepth, ClosingBracketsBuyNothing) {
    EXPECT_TRUE(nestsDeeperThan("]]]][[[", 2));
}

}  // namespace
}  // namespace evergate::model
