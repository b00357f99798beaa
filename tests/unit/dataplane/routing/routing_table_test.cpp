// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/routing_table.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/routing/route_table_builder.hpp"

namespace evergate::routing {
namespace {

using testing::backendOf;
using testing::RouteTableBuilder;

TEST(RoutingTable, MatchesExactHostsInAnyCaseWithATrailingDot) {
    const RoutingTable table = RouteTableBuilder().prefix("shop.example.com", "/", "shop").build();
    EXPECT_EQ(backendOf(table, "shop.example.com", "/"), "shop");
    EXPECT_EQ(backendOf(table, "SHOP.Example.COM", "/"), "shop");
    EXPECT_EQ(backendOf(table, "shop.example.com.", "/"), "shop");
    EXPECT_EQ(backendOf(table, "shop.example.com..", "/"), "-");
    EXPECT_EQ(backendOf(table, "example.com", "/"), "-");
    EXPECT_EQ(backendOf(table, "a.shop.example.com", "/"), "-");
    EXPECT_EQ(backendOf(table, "", "/"), "-");
}

TEST(RoutingTable, MatchesAWildcardForExactlyOneLabel) {
    const RoutingTable table = RouteTableBuilder().prefix("*.example.com", "/", "wild").build();
    EXPECT_EQ(backendOf(table, "a.example.com", "/"), "wild");
    EXPECT_EQ(backendOf(table, "A.EXAMPLE.com.", "/"), "wild");
    EXPECT_EQ(backendOf(table, "a.b.example.com", "/"), "-");
    EXPECT_EQ(backendOf(table, "example.com", "/"), "-");
    EXPECT_EQ(backendOf(table, ".example.com", "/"), "-");
    EXPECT_EQ(backendOf(table, "aexample.com", "/"), "-");
}

TEST(RoutingTable, PrefersExactThenWildcardThenAnyHost) {
    const RoutingTable table = RouteTableBuilder()
                                   .prefix("", "/", "any")
                                   .prefix("*.example.com", "/", "wild")
                                   .prefix("a.example.com", "/", "exact")
                                   .build();
    EXPECT_EQ(backendOf(table, "a.example.com", "/"), "exact");
    EXPECT_EQ(backendOf(table, "b.example.com", "/"), "wild");
    EXPECT_EQ(backendOf(table, "c.b.example.com", "/"), "any");
    EXPECT_EQ(backendOf(table, "", "/"), "any");
    EXPECT_EQ(backendOf(table, "10.0.0.1", "/"), "any");
    EXPECT_EQ(backendOf(table, "[::1]", "/"), "any");
}

TEST(RoutingTable, FallsThroughWhenAHostHasNoSuchPath) {
    const RoutingTable table = RouteTableBuilder()
                                   .prefix("a.example.com", "/a", "exact")
                                   .prefix("*.example.com", "/b", "wild")
                                   .prefix("", "/", "any")
                                   .build();
    EXPECT_EQ(backendOf(table, "a.example.com", "/a"), "exact");
    EXPECT_EQ(backendOf(table, "a.example.com", "/b"), "wild");
    EXPECT_EQ(backendOf(table, "a.example.com", "/c"), "any");
}

TEST(RoutingTable, MatchesHostsUpToTheLongestNames) {
    const RoutingTable table = RouteTableBuilder().prefix("", "/", "any").build();
    EXPECT_EQ(backendOf(table, std::string(255, 'a'), "/"), "any");
    EXPECT_EQ(backendOf(table, std::string(255, 'a') + ".", "/"), "any");
    EXPECT_EQ(backendOf(table, std::string(256, 'a'), "/"), "-");
    EXPECT_EQ(backendOf(table, std::string(5'000, 'a'), "/"), "-");
}

// The cases of the Ingress conformance suite (path_rules), and a few of our own.
TEST(RoutingTable, FollowsTheIngressPathRules) {
    struct Case {
        const char* name;
        model::PathType type;
        const char* rule;
        std::vector<const char*> matches;
        std::vector<const char*> misses;
    };

    using enum model::PathType;
    const Case cases[] = {
        {"exact", exact, "/foo", {"/foo"}, {"/foo/", "/bar", "/FOO", "/foo/bar", "/foob", "/"}},
        {"exact with slash", exact, "/foo/", {"/foo/"}, {"/foo", "/foo/a"}},
        {"exact root", exact, "/", {"/"}, {"/a"}},
        {"prefix",
         prefix,
         "/aaa/bbb",
         {"/aaa/bbb", "/aaa/bbb/", "/aaa/bbb/ccc"},
         {"/aaa/bbbxyz", "/aaa/bb", "/aaa", "/AAA/bbb", "/"}},
        {"prefix with slash", prefix, "/foo/", {"/foo", "/foo/", "/foo/a"}, {"/foobar", "/fo"}},
        {"prefix root", prefix, "/", {"/", "/a", "/a/b/c"}, {}},
        {"raw prefix", rawPrefix, "/foo", {"/foo", "/foobar", "/foo/bar"}, {"/fo", "/Foo"}},
        {"raw prefix with slash", rawPrefix, "/foo/", {"/foo/", "/foo/a"}, {"/foo", "/foobar"}},
        {"raw root", rawPrefix, "/", {"/", "/a"}, {}},
    };
    for (const Case& tested : cases) {
        for (const bool found : {true, false}) {
            for (const char* path : found ? tested.matches : tested.misses) {
                RouteTableBuilder builder;
                switch (tested.type) {
                    case exact:
                        builder.exact("a", tested.rule, "hit");
                        break;
                    case prefix:
                        builder.prefix("a", tested.rule, "hit");
                        break;
                    case rawPrefix:
                        builder.raw("a", tested.rule, "hit");
                        break;
                }
                EXPECT_EQ(backendOf(builder.build(), "a", path), found ? "hit" : "-")
                    << tested.name << ' ' << path;
            }
        }
    }
}

TEST(RoutingTable, PrefersExactThenTheLongestPrefix) {
    const RoutingTable table = RouteTableBuilder()
                                   .prefix("a", "/", "root")
                                   .prefix("a", "/aaa", "aaa")
                                   .prefix("a", "/aaa/bbb", "bbb")
                                   .exact("a", "/aaa/bbb", "exact")
                                   .raw("a", "/aa", "raw")
                                   .build();
    EXPECT_EQ(backendOf(table, "a", "/aaa/bbb"), "exact");
    EXPECT_EQ(backendOf(table, "a", "/aaa/bbb/"), "bbb");
    EXPECT_EQ(backendOf(table, "a", "/aaa/bbbb"), "aaa");
    EXPECT_EQ(backendOf(table, "a", "/aaaa"), "raw");
    EXPECT_EQ(backendOf(table, "a", "/aa/x"), "raw");
    EXPECT_EQ(backendOf(table, "a", "/b"), "root");
}

TEST(RoutingTable, PrefersElementWiseToRawAtEqualLength) {
    const RoutingTable table = RouteTableBuilder()
                                   .raw("a", "/foo", "raw")
                                   .prefix("a", "/foo", "element")
                                   .raw("a", "/", "rawRoot")
                                   .prefix("a", "/", "root")
                                   .build();
    EXPECT_EQ(backendOf(table, "a", "/foo/x"), "element");
    EXPECT_EQ(backendOf(table, "a", "/foo"), "element");
    EXPECT_EQ(backendOf(table, "a", "/foobar"), "raw");
    EXPECT_EQ(backendOf(table, "a", "/x"), "root");
}

TEST(RoutingTable, PrefersALongerRawPrefixToAShorterElement) {
    const RoutingTable table =
        RouteTableBuilder().prefix("a", "/foo", "element").raw("a", "/foo/ba", "raw").build();
    EXPECT_EQ(backendOf(table, "a", "/foo/bar"), "raw");
    EXPECT_EQ(backendOf(table, "a", "/foo/x"), "element");
}

TEST(RoutingTable, MatchesNormalisedPathsAgainstNormalisedRules) {
    const RoutingTable table = RouteTableBuilder()
                                   .prefix("a", "/x//y/../%7Ez", "rule")
                                   .exact("a", "/a%2fb", "encoded")
                                   .exact("a", "/bad%4", "never")
                                   .build();
    EXPECT_EQ(backendOf(table, "a", "/x/~z/1"), "rule");
    EXPECT_EQ(backendOf(table, "a", "/x/./%7ez"), "rule");
    EXPECT_EQ(backendOf(table, "a", "/a%2Fb"), "encoded");
    EXPECT_EQ(backendOf(table, "a", "/a/b"), "-");
    EXPECT_EQ(backendOf(table, "a", "/bad%4"), "-");
}

TEST(RoutingTable, SendsAnInvalidPathNowhere) {
    const RoutingTable table = RouteTableBuilder().prefix("", "/", "any").build();
    EXPECT_EQ(backendOf(table, "a", "/../x"), "-");
    EXPECT_EQ(table.match(0, "a", ""), nullptr);
}

TEST(RoutingTable, SendsTheAsteriskToTheRoot) {
    const RoutingTable table =
        RouteTableBuilder().prefix("a", "/", "root").prefix("b", "/x", "x").build();
    EXPECT_EQ(backendOf(table, "a", "*"), "root");
    EXPECT_EQ(backendOf(table, "b", "*"), "-");
}

TEST(RoutingTable, KeepsListenersApart) {
    const RoutingTable table = RouteTableBuilder()
                                   .on({"http", "https"})
                                   .prefix("a", "/", "both")
                                   .on({"internal"})
                                   .prefix("b", "/", "internal")
                                   .build();
    EXPECT_EQ(backendOf(table, "a", "/", "http"), "both");
    EXPECT_EQ(backendOf(table, "a", "/", "https"), "both");
    EXPECT_EQ(backendOf(table, "a", "/", "internal"), "-");
    EXPECT_EQ(backendOf(table, "b", "/", "internal"), "internal");
    EXPECT_EQ(table.listenerIndex("other"), -1);
    EXPECT_EQ(table.match(-1, "a", "/"), nullptr);
}

TEST(RoutingTable, TakesTheFirstOfTwoEqualRules) {
    const RoutingTable table = RouteTableBuilder()
                                   .prefix("a", "/x", "first")
                                   .prefix("a", "/x/", "second")
                                   .exact("a", "/y", "third")
                                   .exact("a", "/%79", "fourth")
                                   .build();
    EXPECT_EQ(backendOf(table, "a", "/x"), "first");
    EXPECT_EQ(backendOf(table, "a", "/y"), "third");
}

TEST(RoutingTable, NumbersItsTargetsAndResolvesTheirNames) {
    const RoutingTable table = RouteTableBuilder()
                                   .prefix("a", "/", "one")
                                   .prefix("b", "/", "two")
                                   .prefix("c", "/", "one")
                                   .build();
    ASSERT_EQ(table.targets().size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(table.targets()[i]->statsIndex, i);
    }
    const Target* target = table.match(table.listenerIndex("http"), "c", "/");
    ASSERT_NE(target, nullptr);
    EXPECT_EQ(target->route, "00002");
    EXPECT_EQ(target->origin, "Ingress test/one");
    EXPECT_EQ(target->backendId, table.targets()[0]->backendId);
    EXPECT_NE(target->backendId, table.targets()[1]->backendId);
}

TEST(RoutingTable, IsEmptyWithoutRoutes) {
    const RoutingTable table = RouteTableBuilder().build();
    EXPECT_EQ(table.listenerIndex("http"), -1);
    EXPECT_TRUE(table.targets().empty());
}

TEST(RoutingTable, SurvivesAMove) {
    RoutingTable table = RouteTableBuilder().prefix("a", "/", "one").build();
    const Target* before = table.match(0, "a", "/");
    const RoutingTable moved = std::move(table);
    EXPECT_EQ(moved.match(0, "a", "/"), before);
}

// Against the plainest possible reading of the rules.
TEST(RoutingTable, AgreesWithALinearSearch) {
    const std::vector<std::string> rules = {"/", "/a", "/a/b", "/ab", "/a/bc", "/a/b/c", "/b/"};
    RouteTableBuilder builder;
    for (const std::string& rule : rules) {
        builder.prefix("h", rule, "p" + rule).raw("h", rule, "r" + rule);
    }
    const RoutingTable table = builder.build();
    const auto expected = [&rules](std::string_view path) {
        std::string best = "-";
        std::size_t length = 0;
        for (const std::string& rule : rules) {
            std::string_view element = rule;
            if (element.size() > 1 && element.back() == '/') {
                element.remove_suffix(1);
            }
            const bool boundary = element == "/" || path.size() == element.size() ||
                                  (path.size() > element.size() && path[element.size()] == '/');
            if (path.starts_with(element) && boundary && element.size() >= length) {
                best = "p" + rule;
                length = element.size();
            }
            if (path.starts_with(rule) && rule.size() > length) {
                best = "r" + rule;
                length = rule.size();
            }
        }
        return best;
    };
    for (const char* path : {"/", "/a", "/a/", "/ab", "/abc", "/a/b", "/a/bc", "/a/bcd", "/a/b/",
                             "/a/b/c", "/a/b/cd", "/b", "/b/", "/b/c", "/bc", "/c", "/aa"}) {
        EXPECT_EQ(backendOf(table, "h", path), expected(path)) << path;
    }
}

}  // namespace
}  // namespace evergate::routing
