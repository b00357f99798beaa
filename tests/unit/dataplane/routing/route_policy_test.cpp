// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/route_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace evergate::routing {
namespace {

using testing::UnorderedElementsAre;

TEST(RoutePolicy, IsNoneWhenNothingIsAskedFor) {
    EXPECT_EQ(compilePolicy(model::Route{}, "/"), nullptr);
}

TEST(RoutePolicy, EveryFieldMakesOne) {
    const auto with = [](auto change) {
        model::Route route;
        change(route);
        return compilePolicy(route, "/") != nullptr;
    };
    EXPECT_TRUE(with([](auto& r) { r.rewritePrefix = "/a"; }));
    EXPECT_TRUE(with([](auto& r) { r.requestHeadersSet = {{"a", "b"}}; }));
    EXPECT_TRUE(with([](auto& r) { r.requestHeadersRemove = {"a"}; }));
    EXPECT_TRUE(with([](auto& r) { r.responseHeadersSet = {{"a", ""}}; }));
    EXPECT_TRUE(with([](auto& r) { r.responseHeadersRemove = {"a"}; }));
    EXPECT_TRUE(with([](auto& r) { r.redirectToHttps = true; }));
    EXPECT_TRUE(with([](auto& r) { r.restrictSources = true; }));
    EXPECT_TRUE(with([](auto& r) { r.maxBodyBytes = 1; }));
    EXPECT_TRUE(with([](auto& r) { r.compress = {"gzip"}; }));
    EXPECT_TRUE(with([](auto& r) { r.grpcWeb = true; }));
}

TEST(RoutePolicy, CompressesTheUsualTypesUnlessToldWhich) {
    model::Route route;
    route.compressTypes = {"image/bmp"};
    EXPECT_EQ(compilePolicy(route, "/"), nullptr);
    route.compress = {"br", "gzip"};
    route.compressMinBytes = 7;
    const auto policy = compilePolicy(route, "/");
    EXPECT_EQ(policy->compression->codings, route.compress);
    EXPECT_EQ(policy->compression->types(), route.compressTypes);
    EXPECT_EQ(policy->compression->minBytes, 7u);
    route.compressTypes.clear();
    EXPECT_THAT(compilePolicy(route, "/")->compression->types(),
                testing::IsSupersetOf({"text/*", "application/json", "image/svg+xml"}));
}

TEST(RoutePolicy, HeadersToSetAreAlsoDropped) {
    model::Route route;
    route.requestHeadersSet = {{"x-a", "1"}, {"x-b", ""}};
    route.requestHeadersRemove = {"cookie"};
    const auto policy = compilePolicy(route, "/");
    EXPECT_THAT(policy->request.drop, UnorderedElementsAre("x-a", "x-b", "cookie"));
    EXPECT_EQ(policy->request.add, "x-a: 1\r\nx-b: \r\n");
    EXPECT_TRUE(policy->response.empty());
}

TEST(RoutePolicy, FramingIsNeverEdited) {
    model::Route route;
    route.responseHeadersSet = {{"content-length", "0"}, {"x-a", "b\r\nx-c: d"}, {"X-Upper", "1"}};
    route.responseHeadersRemove = {"transfer-encoding", "connection"};
    EXPECT_EQ(compilePolicy(route, "/"), nullptr);
}

TEST(RoutePolicy, RewritingTellsThePrefix) {
    model::Route route;
    route.rewritePrefix = "/";
    EXPECT_EQ(compilePolicy(route, "/shop/")->request.add, "X-Forwarded-Prefix: /shop\r\n");
    EXPECT_EQ(compilePolicy(route, "/")->request.add, "");
    EXPECT_THAT(compilePolicy(route, "/")->request.drop,
                UnorderedElementsAre("x-forwarded-prefix"));
    route.requestHeadersSet = {{"x-forwarded-prefix", "/mine"}};
    EXPECT_EQ(compilePolicy(route, "/shop")->request.add, "x-forwarded-prefix: /mine\r\n");
    route.requestHeadersSet.clear();
    route.requestHeadersRemove = {"x-forwarded-prefix"};
    EXPECT_EQ(compilePolicy(route, "/shop")->request.add, "");
}

TEST(SourcesOf, ListenersThatRestrictNothingHaveNone) {
    model::Listener listener;
    EXPECT_EQ(sourcesOf(listener), nullptr);
    listener.restrictSources = true;
    ASSERT_NE(sourcesOf(listener), nullptr);
}

}  // namespace
}  // namespace evergate::routing
