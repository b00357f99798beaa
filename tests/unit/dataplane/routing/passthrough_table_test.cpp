// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/passthrough_table.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/routing/route_table_builder.hpp"

namespace evergate::routing {
namespace {

using testing::backendOf;
using testing::RouteTableBuilder;

std::string through(const RoutingTable& table, std::string_view host,
                    std::string_view listener = "http") {
    const Target* target = table.passthrough(table.listenerIndex(listener), host);
    return target == nullptr ? "-" : target->backend;
}

TEST(PassthroughTable, GoesByExactNameThenByOneLabelWildcard) {
    const RoutingTable table =
        RouteTableBuilder().through("a.test", "exact").through("*.test", "wild").build();
    EXPECT_EQ(through(table, "a.test"), "exact");
    EXPECT_EQ(through(table, "A.TEST."), "exact");
    EXPECT_EQ(through(table, "b.test"), "wild");
    EXPECT_EQ(through(table, "c.b.test"), "-");
    EXPECT_EQ(through(table, "test"), "-");
    EXPECT_EQ(through(table, ".test"), "-");
    EXPECT_EQ(through(table, ""), "-");
    EXPECT_EQ(through(table, std::string(300, 'a') + ".test"), "-");
}

TEST(PassthroughTable, AWildcardTakesNoHostWithRoutesOfItsOwn) {
    const RoutingTable table = RouteTableBuilder()
                                   .through("*.test", "wild")
                                   .through("b.test", "exact")
                                   .prefix("a.test", "/", "own")
                                   .prefix("b.test", "/shop", "hidden")
                                   .prefix("", "/", "any")
                                   .build();
    EXPECT_EQ(through(table, "a.test"), "-");
    EXPECT_EQ(through(table, "b.test"), "exact");
    EXPECT_EQ(through(table, "c.test"), "wild") << "an any-host route is nobody's own";
}

TEST(PassthroughTable, IsNoneOfTheRoutesForRequests) {
    const RoutingTable table =
        RouteTableBuilder().through("a.test", "through").prefix("b.test", "/", "b").build();
    EXPECT_EQ(backendOf(table, "a.test", "/"), "-");
    EXPECT_EQ(backendOf(table, "b.test", "/"), "b");
    EXPECT_EQ(table.targets().size(), 2u);
}

TEST(PassthroughTable, BelongsToItsListener) {
    const RoutingTable table = RouteTableBuilder()
                                   .prefix("", "/", "any")
                                   .on({"https"})
                                   .through("a.test", "through")
                                   .build();
    EXPECT_FALSE(table.passesThrough(table.listenerIndex("http")));
    EXPECT_TRUE(table.passesThrough(table.listenerIndex("https")));
    EXPECT_FALSE(table.passesThrough(-1));
    EXPECT_EQ(through(table, "a.test", "http"), "-");
    EXPECT_EQ(through(table, "a.test", "https"), "through");
}

}  // namespace
}  // namespace evergate::routing
