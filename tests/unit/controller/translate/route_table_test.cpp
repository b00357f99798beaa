// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/route_table.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

RouteClaim claimOf(std::string name, std::string host, PathMatch match, std::string origin) {
    return {std::move(name),
            model::Route{{"http"},
                         std::move(host),
                         match.type,
                         std::move(match.path),
                         "ns/web/80",
                         std::move(origin)},
            "spec.rules[0]", std::nullopt};
}

const PathMatch kRoot{model::PathType::prefix, "/"};

TEST(RouteTable, KeepsTheFirstOfEqualClaims) {
    RouteTable table;
    ProblemList problems;
    EXPECT_TRUE(table.claim(claimOf("a", "x.test", kRoot, "Ingress ns/a"), problems));
    EXPECT_FALSE(table.claim(claimOf("b", "x.test", kRoot, "Ingress ns/b"), problems));
    const auto found = problems.take();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].object, "Ingress ns/b");
    EXPECT_NE(found[0].what.find("Ingress ns/a"), std::string::npos);
    model::Config config;
    table.emit(config);
    EXPECT_EQ(config.count(model::Kind::route), 1u);
    EXPECT_NE(config.find<model::Route>({model::Kind::route, "a"}), nullptr);
}

TEST(RouteTable, KeepsHostsAndPathTypesApart) {
    RouteTable table;
    ProblemList problems;
    EXPECT_TRUE(table.claim(claimOf("a", "x.test", kRoot, "o"), problems));
    EXPECT_TRUE(table.claim(claimOf("b", "", kRoot, "o"), problems));
    EXPECT_TRUE(table.claim(claimOf("c", "x.test", {model::PathType::exact, "/"}, "o"), problems));
    EXPECT_TRUE(problems.take().empty());
}

TEST(RouteTable, KnowsWhoOwnsAWholeHost) {
    RouteTable table;
    ProblemList problems;
    table.claim(claimOf("exact", "x.test", {model::PathType::exact, "/"}, "o"), problems);
    EXPECT_EQ(table.rootOf("x.test"), nullptr);
    table.claim(claimOf("raw", "x.test", {model::PathType::rawPrefix, "/"}, "o"), problems);
    ASSERT_NE(table.rootOf("x.test"), nullptr);
    EXPECT_EQ(table.rootOf("x.test")->name, "raw");
    table.claim(claimOf("element", "x.test", kRoot, "o"), problems);
    EXPECT_EQ(table.rootOf("x.test")->name, "element");
    EXPECT_EQ(table.rootOf(""), nullptr);
}

TEST(RouteTable, RefusesWhatTheDataPlaneWouldRefuse) {
    RouteTable table;
    ProblemList problems;
    EXPECT_FALSE(table.claim(claimOf("a", "Not A Host", kRoot, "Ingress ns/a"), problems));
    EXPECT_EQ(problems.take().size(), 1u);
    model::Config config;
    table.emit(config);
    EXPECT_EQ(config.count(model::Kind::route), 0u);
}

}  // namespace
}  // namespace evergate::controller
