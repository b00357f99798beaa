// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/path_rewrite.hpp"

#include <gtest/gtest.h>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::routing {
namespace {

constexpr auto kPrefix = model::PathType::prefix;
constexpr auto kExact = model::PathType::exact;
constexpr auto kRaw = model::PathType::rawPrefix;

std::string rewrite(model::PathType type, std::string_view route, std::string_view replacement,
                    std::string_view path) {
    std::string scratch;
    const std::string_view normal = normalizePath(path, scratch);
    std::string out = "left over";
    PathRewrite(type, route, replacement).apply(path, normal, out);
    return out;
}

struct Case {
    std::string_view route;
    std::string_view replacement;
    std::string_view path;
    std::string_view expected;
};

TEST(PathRewrite, ReplacesThePrefixByElement) {
    for (const Case& c :
         {Case{"/foo", "/xyz", "/foo/bar", "/xyz/bar"},
          Case{"/foo", "/xyz/", "/foo/bar", "/xyz/bar"},
          Case{"/foo/", "/xyz", "/foo/bar", "/xyz/bar"},
          Case{"/foo/", "/xyz/", "/foo/bar", "/xyz/bar"}, Case{"/foo", "/xyz", "/foo", "/xyz"},
          Case{"/foo", "/xyz", "/foo/", "/xyz/"}, Case{"/foo", "/", "/foo", "/"},
          Case{"/foo", "/", "/foo/", "/"}, Case{"/foo", "/", "/foo/bar", "/bar"},
          Case{"/", "/xyz", "/bar", "/xyz/bar"}, Case{"/", "/xyz", "/", "/xyz/"},
          Case{"/", "/", "/bar", "/bar"}, Case{"/a/b", "/c", "/a/b/d/e/", "/c/d/e/"}}) {
        EXPECT_EQ(rewrite(kPrefix, c.route, c.replacement, c.path), c.expected)
            << c.route << " " << c.replacement << " " << c.path;
    }
}

TEST(PathRewrite, KeepsTheRestAsItWasSpelled) {
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/x", "/foo/a%2Fb//c%20d"), "/x/a%2Fb//c%20d");
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/x", "/%66oo/%61"), "/x/%61");
    EXPECT_EQ(rewrite(kPrefix, "/foo/bar", "/x", "//foo///bar//baz//"), "/x/baz//");
}

TEST(PathRewrite, NeverMakesTwoSlashesWhereThePartsMeet) {
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/", "/foo//evil.example/a"), "/evil.example/a");
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/", "/foo////"), "/");
    EXPECT_EQ(rewrite(kPrefix, "/", "/", "//a"), "/a");
    EXPECT_EQ(rewrite(kRaw, "/foo", "/", "/foo//a"), "/a");
}

// The spelling's prefix is not that of the meaning: what was matched is what is sent.
TEST(PathRewrite, UsesTheNormalFormWhenThereAreDotSegments) {
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/x", "/bar/../foo/a"), "/x/a");
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/x", "/foo/a/../../foo/b"), "/x/b");
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/x", "/foo/./a"), "/x/a");
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/x", "/foo/a/%2e%2e/%62"), "/x/b");
    EXPECT_EQ(rewrite(kPrefix, "/foo", "/x", "/foo/a/.."), "/x/");
}

TEST(PathRewrite, ExactPathsAreReplacedWhole) {
    EXPECT_EQ(rewrite(kExact, "/foo", "/x/y", "/foo"), "/x/y");
    EXPECT_EQ(rewrite(kExact, "/foo", "/", "/foo"), "/");
}

TEST(PathRewrite, RawPrefixesMayEndInsideAnElement) {
    EXPECT_EQ(rewrite(kRaw, "/foo", "/x", "/foobar"), "/xbar");
    EXPECT_EQ(rewrite(kRaw, "/foo", "/", "/foobar/b"), "/bar/b");
    EXPECT_EQ(rewrite(kRaw, "/foo/", "/x", "/foo/bar"), "/x/bar");
    EXPECT_EQ(rewrite(kRaw, "/foo", "/x", "/foo%62ar"), "/xbar");
}

TEST(PathRewrite, LeavesTheAsteriskAlone) {
    EXPECT_EQ(rewrite(kPrefix, "/", "/x", "*"), "*");
}

TEST(PathRewrite, TellsWhatItTakesAway) {
    EXPECT_EQ(PathRewrite(kPrefix, "/foo/", "/").prefix(), "/foo");
    EXPECT_EQ(PathRewrite(kPrefix, "/", "/x").prefix(), "");
}

}  // namespace
}  // namespace evergate::routing
