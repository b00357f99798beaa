// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/dataplane/routing/route_table_builder.hpp"

namespace evergate::routing {
namespace {

using ::testing::ElementsAre;

RoutingTable sample() {
    return testing::RouteTableBuilder()
        .exact("a.example.com", "/x", "one")
        .raw("*.example.com", "/y", "two")
        .prefix("", "/z/", "three")
        .build();
}

TEST(Explain, NamesTheHostEntryAndTheRule) {
    const RoutingTable table = sample();
    const Explanation exact = explain(table, "http", "A.example.com.", "/./x");
    EXPECT_EQ(exact.host, "a.example.com");
    EXPECT_EQ(exact.path, "/x");
    EXPECT_EQ(exact.hostEntry, "a.example.com");
    EXPECT_EQ(exact.pathRule, "exact /x");
    ASSERT_NE(exact.target, nullptr);
    EXPECT_EQ(exact.target->backend, "one");
    EXPECT_THAT(exact.steps, ElementsAre("a.example.com: exact /x -> route 00000"));
}

TEST(Explain, ListsWhatWasTried) {
    const RoutingTable table = sample();
    EXPECT_THAT(explain(table, "http", "a.example.com", "/yy").steps,
                ElementsAre("a.example.com: no rule for this path",
                            "*.example.com: raw prefix /y -> route 00001"));
    const Explanation any = explain(table, "http", "b.example.org", "/z");
    EXPECT_EQ(any.hostEntry, "any host");
    EXPECT_THAT(any.steps, ElementsAre("b.example.org: no routes", "*.example.org: no routes",
                                       "any host: prefix /z -> route 00002"));
    const Explanation none = explain(table, "http", "localhost", "/w");
    EXPECT_EQ(none.target, nullptr);
    EXPECT_THAT(none.steps, ElementsAre("localhost: no routes", "any host: no rule for this path"));
}

TEST(Explain, SaysWhatCannotMatch) {
    const RoutingTable table = sample();
    EXPECT_THAT(explain(table, "other", "a", "/").steps,
                ElementsAre("no route names this listener"));
    EXPECT_THAT(explain(table, "http", "a", "/../x").steps, ElementsAre("invalid path"));
    EXPECT_THAT(explain(table, "http", std::string(300, 'a'), "/").steps,
                ElementsAre("host too long"));
}

TEST(Explain, AgreesWithMatch) {
    const RoutingTable table = sample();
    for (const char* host : {"a.example.com", "b.example.com", "c", ""}) {
        for (const char* path : {"/x", "/y", "/z/1", "/", "*"}) {
            EXPECT_EQ(explain(table, "http", host, path).target,
                      table.match(table.listenerIndex("http"), host, path))
                << host << path;
        }
    }
}

}  // namespace
}  // namespace evergate::routing
