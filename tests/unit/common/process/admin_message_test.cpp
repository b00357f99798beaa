// SPDX-License-Identifier: Apache-2.0
#include "common/process/admin_message.hpp"

#include <gtest/gtest.h>

namespace evergate::process {
namespace {

using Query = std::map<std::string, std::string, std::less<>>;

TEST(AdminTarget, SplitsAndDecodes) {
    const auto target = parseAdminTarget("/api/v1/a%20b+c?x=1+2&y=%2f%3D&flag&x=3&&z=a=b#frag");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/api/v1/a b+c");
    EXPECT_EQ(target->query, (Query{{"x", "1 2"}, {"y", "/="}, {"flag", ""}, {"z", "a=b"}}));
}

TEST(AdminTarget, AcceptsEmptyParts) {
    EXPECT_EQ(parseAdminTarget("/")->path, "/");
    EXPECT_TRUE(parseAdminTarget("/?")->query.empty());
    EXPECT_TRUE(parseAdminTarget("/?&&")->query.empty());
}

TEST(AdminTarget, RefusesOtherTargets) {
    for (const char* target :
         {"", "*", "a", "http://a/b", "/%", "/%4", "/%zz", "/%00", "/a?x=%", "/a?%g0=1", "/%4%"}) {
        EXPECT_FALSE(parseAdminTarget(target)) << target;
    }
}

TEST(AdminRequest, GivesParametersOrTheFallback) {
    AdminRequest request;
    request.query = {{"a", "1"}};
    EXPECT_EQ(request.parameter("a", "x"), "1");
    EXPECT_EQ(request.parameter("b", "x"), "x");
    EXPECT_EQ(request.parameter("b"), "");
}

TEST(AdminResponse, EscapesErrors) {
    const AdminResponse response = AdminResponse::error(404, "no \"x\" \xff");
    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(response.contentType, "application/json");
    EXPECT_EQ(response.body, "{\"error\":\"no \\\"x\\\" \xEF\xBF\xBD\"}");
}

TEST(AdminOrigin, IsOurOwnOnlyWhenItIsTheHost) {
    EXPECT_TRUE(isOwnOrigin("http://127.0.0.1:9302", "127.0.0.1:9302"));
    EXPECT_TRUE(isOwnOrigin("https://gate.example", "gate.example"));
    EXPECT_FALSE(isOwnOrigin("http://evil.example", "127.0.0.1:9302"));
    EXPECT_FALSE(isOwnOrigin("null", "127.0.0.1:9302"));
    EXPECT_FALSE(isOwnOrigin("http://", ""));
}

}  // namespace
}  // namespace evergate::process
