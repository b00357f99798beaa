// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/host_table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::routing {
namespace {

TEST(ComparableHost, FoldsCaseAndDropsOneTrailingDot) {
    EXPECT_EQ(ComparableHost("A.Test.").text(), "a.test");
    EXPECT_EQ(ComparableHost("a..").text(), "a.");
    EXPECT_EQ(ComparableHost("").text(), "");
    EXPECT_EQ(ComparableHost("[::A]").text(), "[::a]");
}

TEST(ComparableHost, BoundsItsLength) {
    EXPECT_FALSE(ComparableHost(std::string(255, 'a')).tooLong());
    EXPECT_TRUE(ComparableHost(std::string(256, 'a')).tooLong());
    EXPECT_TRUE(ComparableHost(std::string(256, 'a')).text().empty());
}

TEST(HostTable, FindsEachKindOfEntry) {
    HostTable hosts;
    PathTable& exact = hosts.at("a.test");
    PathTable& wildcard = hosts.at("*.test");
    EXPECT_EQ(hosts.any(), nullptr);
    PathTable& any = hosts.at("");
    EXPECT_EQ(hosts.exact("a.test"), &exact);
    EXPECT_EQ(hosts.exact("b.test"), nullptr);
    EXPECT_EQ(hosts.wildcard("b.test"), &wildcard);
    EXPECT_EQ(hosts.wildcard("a.b.test"), nullptr);
    EXPECT_EQ(hosts.wildcard("test"), nullptr);
    EXPECT_EQ(hosts.wildcard(".test"), nullptr);
    EXPECT_EQ(hosts.any(), &any);
    EXPECT_EQ(&hosts.at("a.test"), &exact);
}

TEST(HostTable, FallsThroughToTheNextKindThatHasThePath) {
    HostTable hosts;
    hosts.at("a.test").add(model::PathType::prefix, "/a", nullptr);
    hosts.at("*.test").add(model::PathType::prefix, "/b", nullptr);
    hosts.at("").add(model::PathType::prefix, "/", nullptr);
    hosts.finish();
    const auto path = [&](std::string_view host, std::string_view asked) {
        const PathRule* rule = hosts.match(host, asked);
        return rule == nullptr ? std::string() : rule->path;
    };
    EXPECT_EQ(path("a.test", "/a"), "/a");
    EXPECT_EQ(path("a.test", "/b"), "/b");
    EXPECT_EQ(path("a.test", "/c"), "/");
    EXPECT_EQ(path("b.test", "/a"), "/");
    EXPECT_EQ(path("", "/a"), "/");
}

}  // namespace
}  // namespace evergate::routing
