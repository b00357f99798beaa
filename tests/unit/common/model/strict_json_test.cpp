// SPDX-License-Identifier: Apache-2.0
#include "common/model/strict_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::model {
namespace {

constexpr JsonLimits kLimits{3, 8};

Problem problemOf(std::string_view text) {
    auto parsed = parseStrict(text, kLimits);
    auto* problem = std::get_if<Problem>(&parsed);
    return problem == nullptr ? Problem{"", "none"} : *problem;
}

TEST(StrictJson, ReadsEveryType) {
    const char* text = R"([null, true, -1, 18446744073709551615, 0.5, {"a": ["b"]}])";
    const auto parsed = parseStrict(text, kLimits);
    ASSERT_TRUE(std::holds_alternative<nlohmann::json>(parsed));
    EXPECT_EQ(std::get<nlohmann::json>(parsed), nlohmann::json::parse(text));
}

TEST(StrictJson, RefusesARepeatedFieldByName) {
    EXPECT_EQ(problemOf(R"({"a": 1, "b": {"a": 2}})"), (Problem{"", "none"}));
    EXPECT_EQ(problemOf(R"({"a": 1, "a": 1})"), (Problem{"a", "repeated field"}));
}

TEST(StrictJson, BoundsStringsAndNames) {
    EXPECT_EQ(problemOf(R"(["12345678"])").what, "none");
    EXPECT_EQ(problemOf(R"(["123456789"])").what, "string longer than 8 bytes");
    EXPECT_EQ(problemOf(R"({"123456789": 0})").what, "field name longer than 8 bytes");
}

TEST(StrictJson, BoundsDepth) {
    EXPECT_EQ(problemOf("[[[]]]").what, "none");
    EXPECT_EQ(problemOf("[[[[").what, "nested deeper than 3 levels");
    EXPECT_EQ(problemOf(R"({"a":{"b":{"c":{}}}})").what, "nested deeper than 3 levels");
}

TEST(StrictJson, GivesThePositionOfAMistakeAndNotItsText) {
    for (const char* text : {"", "{", "[1,]", "[1] 2", "{\"a\" 1}", "nul", "[\"\xFF\"]"}) {
        EXPECT_TRUE(problemOf(text).what.starts_with("not valid JSON at byte ")) << text;
    }
}

}  // namespace
}  // namespace evergate::model
