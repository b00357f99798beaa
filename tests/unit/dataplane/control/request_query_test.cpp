// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/request_query.hpp"

#include <gtest/gtest.h>

namespace evergate::dataplane {
namespace {

TEST(RequestQuery, TakesPathAndParametersApart) {
    const auto query = RequestQuery::parse(
        "/api/v1/explain?method=GET&url=http%3A%2F%2Fa%2F%3Fx&header="
        "Host:+b&header=X:1&flag");
    ASSERT_TRUE(query);
    EXPECT_EQ(query->path(), "/api/v1/explain");
    EXPECT_EQ(query->get("url"), "http://a/?x");
    EXPECT_EQ(query->all("header"), (std::vector<std::string>{"Host: b", "X:1"}));
    EXPECT_TRUE(query->has("flag"));
    EXPECT_FALSE(query->has("none"));
    EXPECT_EQ(query->get("none"), "");
}

TEST(RequestQuery, AcceptsEmptyParts) {
    const auto query = RequestQuery::parse("/x?&&a=&=b");
    ASSERT_TRUE(query);
    EXPECT_TRUE(query->has("a"));
    EXPECT_EQ(query->get(""), "b");
}

TEST(RequestQuery, RefusesMalformedEscapesAndTooMuch) {
    EXPECT_FALSE(RequestQuery::parse("/x?a=%4"));
    EXPECT_FALSE(RequestQuery::parse("/x?a=%zz"));
    EXPECT_FALSE(RequestQuery::parse("/" + std::string(RequestQuery::kMaxBytes, 'x')));
    std::string many = "/x?";
    for (std::size_t i = 0; i <= RequestQuery::kMaxParameters; ++i)
        many += "a&";
    EXPECT_FALSE(RequestQuery::parse(many));
}

}  // namespace
}  // namespace evergate::dataplane
