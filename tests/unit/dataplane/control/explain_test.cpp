// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/control/policy_words.hpp"
#include "dataplane/control/snapshot_compiler.hpp"
#include "dataplane/tls/certificate.hpp"
#include "tests/unit/dataplane/control/config_builder.hpp"

namespace evergate::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Builder = testing::ConfigBuilder;

class ExplainTest : public ::testing::Test {
protected:
    ExplainTest() {
        builder_.http("http", 8080).backend("shop").backend("cart").backend("other");
        builder_.tcp("db", 5432, "other");
        builder_.route("shop", "shop.example.com", "/", "shop", model::PathType::exact);
        builder_.route("cart", "shop.example.com", "/cart", "cart");
        builder_.route("wild", "*.example.com", "/", "other");
        compile();
    }

    void compile() {
        config_ = builder_.build();
        Candidate candidate{config_, nullptr, 1, {}};
        routing::BackendId next = 0;
        for (const auto& [key, entry] : EntriesOfKind(*config_, model::Kind::backend))
            candidate.ids.emplace(key.name, next++);
        candidate.fallbackCertificate = fallback_;
        snapshot_ = compileSnapshot(candidate).snapshot;
    }

    Explanation ask(const std::string& url, std::string listener = {},
                    std::vector<std::pair<std::string, std::string>> headers = {}) {
        auto answer = explain(*snapshot_, {"GET", url, std::move(listener), std::move(headers)});
        EXPECT_TRUE(std::holds_alternative<Explanation>(answer)) << url;
        return std::get<Explanation>(answer);
    }

    std::string refusal(const std::string& url, std::string listener = {}) {
        auto answer = explain(*snapshot_, {"GET", url, std::move(listener), {}});
        return std::get<std::string>(answer);
    }

    Builder builder_;
    std::shared_ptr<const model::Config> config_;
    std::shared_ptr<const routing::Snapshot> snapshot_;
    std::shared_ptr<const tls::Certificate> fallback_;
};

TEST(SplitUrl, TakesApartWhatPeopleType) {
    const auto full = splitUrl("http://Shop.Example:8080/a/b?x=1#y");
    ASSERT_TRUE(full);
    EXPECT_EQ(full->host, "shop.example");
    EXPECT_EQ(full->port, 8080);
    EXPECT_EQ(full->path, "/a/b");
    EXPECT_EQ(splitUrl("/only?x=http://y")->path, "/only");
    EXPECT_EQ(splitUrl("/only")->host, "");
    EXPECT_EQ(splitUrl("shop.example")->path, "/");
    EXPECT_EQ(splitUrl("http://shop.example?q=/x")->path, "/");
    EXPECT_EQ(splitUrl("https://a/")->port, 443);
    EXPECT_EQ(splitUrl("http://[::1]:81/")->host, "::1");
    EXPECT_EQ(splitUrl("http://[::1]:81/")->port, 81);
}

TEST(SplitUrl, RefusesTheRest) {
    for (const char* url : {"", "ftp://x/", "http://", "http://a:0/", "http://a:x/", "http://u@a/",
                            "http://[::1/", "http://a:99999/"})
        EXPECT_FALSE(splitUrl(url)) << url;
}

TEST_F(ExplainTest, TellsWhatPassesThrough) {
    model::Listener https{"127.0.0.1", 8443, model::ListenerProtocol::https};
    builder_.value(model::Kind::listener, "https", https);
    https.port = 9443;
    https.protocol = model::ListenerProtocol::tls;
    https.backend = "other";
    builder_.value(model::Kind::listener, "sql", https);
    model::Route route;
    route.listeners = {"https"};
    route.host = "through.example.com";
    route.backend = "cart";
    route.origin = "Ingress test/through";
    route.passthrough = true;
    builder_.value(model::Kind::route, "through", route);
    fallback_ = tls::Certificate::selfSigned();
    compile();
    const Explanation through = ask("https://through.example.com:8443/");
    EXPECT_EQ(through.route, "through");
    EXPECT_EQ(through.backend, "cart");
    EXPECT_THAT(through.steps, ElementsAre(HasSubstr("8443"), HasSubstr("passes through")));
    EXPECT_EQ(ask("http://through.example.com:8080/").backend, "other") << "by the wildcard";
    EXPECT_EQ(ask("https://through.example.com/").listener, "https") << "behind somebody's 443";
    EXPECT_EQ(ask("http://through.example.com/").listener, "http");
    const Explanation sql = ask("https://a:9443/");
    EXPECT_EQ(sql.backend, "other");
    EXPECT_THAT(sql.steps.back(), HasSubstr("behind TLS that ends here"));
    EXPECT_THAT(policyWords(route), ElementsAre("passthrough"));
}

TEST_F(ExplainTest, NamesTheRouteAndWhatMatched) {
    const auto answer = ask("http://shop.example.com:8080/cart/items?x=1");
    EXPECT_EQ(answer.listener, "http");
    EXPECT_EQ(answer.host, "shop.example.com");
    EXPECT_EQ(answer.path, "/cart/items");
    EXPECT_EQ(answer.route, "cart");
    EXPECT_EQ(answer.origin, "Ingress test/cart");
    EXPECT_EQ(answer.backend, "cart");
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.steps,
                ElementsAre("Listener \"http\" (127.0.0.1:8080): its port is the URL's (8080).",
                            "shop.example.com: prefix /cart -> route cart",
                            "The request goes to backend \"cart\" (route of Ingress test/cart)."));
}

TEST_F(ExplainTest, SaysWhyItFellBackToTheWildcard) {
    const auto answer = ask("http://shop.example.com:8080/carts");
    EXPECT_EQ(answer.route, "wild");
    ASSERT_EQ(answer.steps.size(), 4U);
    EXPECT_THAT(answer.steps[1], HasSubstr("shop.example.com: no rule for this path"));
    EXPECT_THAT(answer.steps[2], HasSubstr("*.example.com: prefix / -> route wild"));
}

TEST_F(ExplainTest, NoRouteIs404) {
    const auto answer = ask("http://elsewhere.test/");
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.route, "");
    EXPECT_THAT(answer.steps[0], HasSubstr("no listener has port 80"));
    EXPECT_THAT(answer.steps.back(), HasSubstr("404"));
}

TEST_F(ExplainTest, TheHostHeaderWinsAndPathsAreNormalised) {
    const auto answer =
        ask("http://127.0.0.1:8080/a/../cart", "", {{"HOST", "SHOP.example.com:8080"}});
    EXPECT_EQ(answer.host, "shop.example.com");
    EXPECT_EQ(answer.path, "/cart");
    EXPECT_EQ(answer.route, "cart");
    EXPECT_THAT(answer.steps[1], HasSubstr("is matched as \"/cart\""));
}

TEST_F(ExplainTest, AnInvalidPathIs400) {
    EXPECT_EQ(ask("http://shop.example.com:8080/%zz").status, 400);
}

TEST_F(ExplainTest, ATcpListenerLooksAtNothing) {
    const auto answer = ask("http://x:5432/");
    EXPECT_EQ(answer.listener, "db");
    EXPECT_EQ(answer.backend, "other");
    EXPECT_TRUE(answer.backendId);
}

class ExplainEndpointsTest : public ExplainTest {
protected:
    Explanation askWith(std::vector<worker::EndpointStats> endpoints,
                        const std::string& url = "http://shop.example.com/cart") {
        Explanation answer = ask(url);
        worker::BackendStats other, own;
        other.id = *answer.backendId + 1;
        other.endpoints = {endpoint()};
        own.id = *answer.backendId;
        own.endpoints = std::move(endpoints);
        explainEndpoints({own, other}, answer);
        return answer;
    }

    static worker::EndpointStats endpoint(std::uint32_t weight = 1) {
        worker::EndpointStats endpoint;
        endpoint.weight = weight;
        return endpoint;
    }
};

TEST_F(ExplainEndpointsTest, NoEndpointIs503) {
    worker::EndpointStats draining = endpoint();
    draining.retired = true;
    for (const auto& endpoints : {std::vector<worker::EndpointStats>{}, {draining, endpoint(0)}}) {
        const Explanation answer = askWith(endpoints);
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.backend, "cart");
        EXPECT_THAT(answer.steps.back(), HasSubstr("\"cart\" has no endpoint"));
    }
    Explanation unknown = ask("http://shop.example.com/cart");
    explainEndpoints({}, unknown);
    EXPECT_EQ(unknown.status, 503) << "a backend no worker knows has none";
    EXPECT_EQ(askWith({}, "http://127.0.0.1:5432/").status, 503) << "a TCP listener";
}

TEST_F(ExplainEndpointsTest, OneThatTakesRequestsIsGood) {
    worker::EndpointStats down = endpoint();
    down.up = false;
    const Explanation answer = askWith({down, endpoint()});
    EXPECT_EQ(answer.status, 0);
    EXPECT_EQ(answer.steps, ask("http://shop.example.com/cart").steps);
}

TEST_F(ExplainEndpointsTest, ThoseThatAreOutAreTriedAllTheSame) {
    worker::EndpointStats down = endpoint(), ejected = endpoint(), failing = endpoint();
    down.up = false;
    ejected.ejected = true;
    failing.failing = true;
    const Explanation answer = askWith({down, ejected, failing});
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.steps.back(), HasSubstr("tried all the same"));
}

TEST_F(ExplainEndpointsTest, WhatNoBackendGetsStaysAsItIs) {
    Explanation missing = ask("http://nobody.test/");
    const auto steps = missing.steps;
    explainEndpoints({}, missing);
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.steps, steps);
}

TEST_F(ExplainTest, RefusesQuestionsItCannotAnswer) {
    EXPECT_THAT(refusal("gopher://x"), HasSubstr("malformed"));
    EXPECT_THAT(refusal("/", "nope"), HasSubstr("no listener \"nope\""));
}

class ExplainPolicyTest : public ExplainTest {
protected:
    ExplainPolicyTest() {
        model::Route route;
        route.listeners = {"http"};
        route.host = "policy.example";
        route.path = "/shop";
        route.backend = "shop";
        route.origin = "Ingress test/policy";
        route.rewritePrefix = "/v2";
        route.requestHeadersSet = {{"x-token", "secret"}};
        route.responseHeadersRemove = {"server"};
        route.maxBodyBytes = 8192;
        route.restrictSources = true;
        route.allowSources = {"10.0.0.0/8", "192.0.2.1"};
        builder_.value(model::Kind::route, "policy", route);
        route.host = "redirect.example";
        route.redirectToHttps = true;
        builder_.value(model::Kind::route, "redirect", route);
        compile();
    }
};

TEST_F(ExplainPolicyTest, TellsWhatHappensToTheRequest) {
    const Explanation answer = ask("http://policy.example/shop//cart?a=b");
    EXPECT_EQ(answer.backend, "shop");
    EXPECT_EQ(answer.status, 0);
    const std::size_t last = answer.steps.size();
    ASSERT_GE(last, 5u);
    EXPECT_THAT(std::vector<std::string>(answer.steps.end() - 5, answer.steps.end()),
                ElementsAre("Only clients of its source ranges are served, others get 403.",
                            "A body of more than 8192 bytes is answered with 413.",
                            HasSubstr("The path is forwarded as \"/v2/"),
                            "Request headers are set or removed: x-token, x-forwarded-prefix.",
                            "Response headers are set or removed: server."));
}

TEST_F(ExplainPolicyTest, TellsARedirect) {
    const Explanation answer = ask("http://redirect.example/shop");
    EXPECT_EQ(answer.status, 308);
    EXPECT_THAT(answer.steps, ::testing::Contains(HasSubstr("redirect to https")));
}

TEST_F(ExplainPolicyTest, NeverShowsHeaderValues) {
    for (const std::string& step : ask("http://policy.example/shop").steps)
        EXPECT_EQ(step.find("secret"), std::string::npos) << step;
    const auto* route = config_->find<model::Route>({model::Kind::route, "policy"});
    ASSERT_NE(route, nullptr);
    EXPECT_THAT(policyWords(*route), ElementsAre("sources=2", "body=8192", "rewrite=/v2",
                                                 "request-headers=1", "response-headers=1"));
    EXPECT_THAT(policyWords(model::Route{}), ElementsAre());
    model::Route compressing;
    compressing.compress = {"br", "gzip"};
    compressing.grpcWeb = true;
    EXPECT_THAT(policyWords(compressing), ElementsAre("compress=br,gzip", "grpc-web"));
    EXPECT_THAT(policySteps(*routing::compilePolicy(compressing, "/"), "/", "/"),
                ElementsAre(HasSubstr("compressed"), HasSubstr("gRPC-Web")));
}

}  // namespace
}  // namespace evergate::dataplane
