// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/json_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace evergate::controller::kubernetes {
namespace {

std::string membersOf(std::string_view text) {
    std::string all;
    const bool whole = forEachMember(text, [&](std::string_view key, std::string_view value) {
        all += std::string(key) + "=" + std::string(value) + ";";
    });
    return all + (whole ? "" : "!");
}

TEST(JsonText, FindsMembersWithoutParsingThem) {
    EXPECT_EQ(membersOf(R"({"a":1,"b":"x,}","c":{"d":[1,{}]},"e":null})"),
              R"(a=1;b="x,}";c={"d":[1,{}]};e=null;)");
    EXPECT_EQ(membersOf(" { \"a\" : true , \"b\" : [ ] } "), "a=true;b=[ ];");
    EXPECT_EQ(membersOf("{}"), "");
    EXPECT_EQ(membersOf(R"({"a":"\"\\"})"), R"(a="\"\\";)");
}

TEST(JsonText, SaysWhenTextIsNoObject) {
    for (const auto* text : {"", "[]", "{", R"({"a")", R"({"a":)", R"({"a":1)", R"({"a":1,)",
                             R"({a:1})", R"({"a" 1})", R"({"a":1 "b":2})", "null"}) {
        EXPECT_EQ(membersOf(text).back(), '!') << text;
    }
}

TEST(JsonText, BoundsDepth) {
    const std::string deep = R"({"a":)" + std::string(kMaxJsonDepth + 1, '[');
    EXPECT_EQ(membersOf(deep), "!");
}

TEST(JsonText, UnescapesStrings) {
    EXPECT_EQ(stringOf(R"("plain")"), "plain");
    EXPECT_EQ(stringOf(R"("a\"b\u0041")"), "a\"bA");
    EXPECT_FALSE(stringOf("12"));
    EXPECT_FALSE(stringOf(R"("\u12")"));
}

TEST(JsonText, ReadsIdentity) {
    const auto identity = identityOf(
        R"({"spec":{"metadata":{"name":"no"}},"metadata":{"name":"cart","namespace":"shop","resourceVersion":"7","labels":{"name":"x"}}})");
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->nameSpace, "shop");
    EXPECT_EQ(identity->name, "cart");
    EXPECT_EQ(identity->resourceVersion, "7");
    EXPECT_FALSE(identityOf(R"({"kind":"Status"})"));
}

}  // namespace
}  // namespace evergate::controller::kubernetes
