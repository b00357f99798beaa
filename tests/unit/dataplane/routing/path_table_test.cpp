// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/path_table.hpp"

#include <gtest/gtest.h>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::routing {
namespace {

using model::PathType;

class PathTableTest : public testing::Test {
protected:
    std::string match(std::string_view path) const {
        const PathRule* rule = table.match(path);
        return rule == nullptr ? "none" : rule->path;
    }

    PathTable table;
};

TEST_F(PathTableTest, MatchesNothingWhenEmpty) {
    table.finish();
    EXPECT_EQ(match("/"), "none");
    EXPECT_EQ(match("*"), "none");
}

TEST_F(PathTableTest, TakesExactThenTheLongestPrefix) {
    table.add(PathType::prefix, "/a", nullptr);
    table.add(PathType::prefix, "/a/b/", nullptr);
    table.add(PathType::exact, "/a/b/c", nullptr);
    table.finish();
    EXPECT_EQ(table.match("/a/b/c")->type, PathType::exact);
    EXPECT_EQ(match("/a/b/c/"), "/a/b");
    EXPECT_EQ(match("/a/b"), "/a/b");
    EXPECT_EQ(match("/a/bc"), "/a");
    EXPECT_EQ(match("/a"), "/a");
    EXPECT_EQ(match("/ab"), "none");
}

TEST_F(PathTableTest, CutsRawPrefixesAnywhere) {
    table.add(PathType::rawPrefix, "/a", nullptr);
    table.add(PathType::prefix, "/a", nullptr);
    table.finish();
    EXPECT_EQ(table.match("/ab")->type, PathType::rawPrefix);
    EXPECT_EQ(table.match("/a/b")->type, PathType::prefix);
    EXPECT_EQ(table.match("/a")->type, PathType::prefix);
}

TEST_F(PathTableTest, KeepsTheFirstOfEqualRules) {
    const Target first{};
    const Target second{};
    table.add(PathType::prefix, "/a", &first);
    table.add(PathType::prefix, "/a/", &second);
    table.add(PathType::exact, "/b", &first);
    table.add(PathType::exact, "/b", &second);
    table.finish();
    EXPECT_EQ(table.match("/a")->target, &first);
    EXPECT_EQ(table.match("/b")->target, &first);
}

TEST_F(PathTableTest, SendsWhatIsLeftToTheRoot) {
    table.add(PathType::prefix, "/", nullptr);
    table.add(PathType::prefix, "/a", nullptr);
    table.finish();
    EXPECT_EQ(match("/b"), "/");
    EXPECT_EQ(match("*"), "/");
}

}  // namespace
}  // namespace evergate::routing
