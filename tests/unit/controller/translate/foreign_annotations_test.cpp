// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/foreign_annotations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using ::testing::AllOf;
using testing::Cluster;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::problemsOf;
using testing::routesOf;

constexpr const char* kNginx = "nginx.ingress.kubernetes.io/";

class ForeignAnnotations : public ::testing::Test {
protected:
    ForeignAnnotations() { cluster.addService("web"); }

    void addIngress(std::vector<std::string> names, std::string ingressClass = "evergate") {
        Ingress ingress = Cluster::ingress("shop", "a.test", {{"/", "Prefix", "web"}});
        ingress.ingressClassName = std::move(ingressClass);
        std::sort(names.begin(), names.end());
        for (std::string& name : names) {
            ingress.metadata.annotations.emplace_back(std::move(name), "");
        }
        cluster.store.upsert(std::move(ingress));
    }

    std::vector<std::string> problems() { return problemsOf(cluster.translated()); }

    Cluster cluster;
};

TEST_F(ForeignAnnotations, AreOneProblemThatNamesThemAndOurs) {
    addIngress({std::string(kNginx) + "proxy-body-size", std::string(kNginx) + "auth-url",
                std::string(kNginx) + "whitelist-source-range",
                std::string(kNginx) + "proxy-read-timeout"});
    EXPECT_THAT(
        problems(),
        ElementsAre(
            "Ingress shop/shop metadata.annotations: not read by Evergate: "
            "nginx.ingress.kubernetes.io/auth-url, "
            "nginx.ingress.kubernetes.io/whitelist-source-range "
            "(evergate.io/allow-source-ranges does this), "
            "nginx.ingress.kubernetes.io/proxy-body-size (evergate.io/body-size does this), "
            "nginx.ingress.kubernetes.io/proxy-read-timeout (evergate.io/timeout-request and "
            "evergate.io/timeout-idle do this); what they ask for does not happen"));
    EXPECT_THAT(routesOf(cluster.translated()), ElementsAre("a.test ^/ -> shop/web/80"));
}

TEST_F(ForeignAnnotations, OfHaproxyAreNoticedToo) {
    addIngress({"haproxy.org/allow-list", "haproxy-ingress.github.io/auth-secret",
                "ingress.kubernetes.io/ssl-redirect"});
    EXPECT_THAT(problems(), ElementsAre(AllOf(HasSubstr("haproxy.org/allow-list"),
                                              HasSubstr("haproxy-ingress.github.io/auth-secret"),
                                              HasSubstr("ingress.kubernetes.io/ssl-redirect "
                                                        "(evergate.io/ssl-redirect does this)"))));
}

TEST_F(ForeignAnnotations, WithTheirCounterpartBesideThemAreNoProblem) {
    Ingress ingress = Cluster::ingress("shop", "a.test", {{"/", "Prefix", "web"}});
    ingress.metadata.annotations = {
        {"evergate.io/allow-source-ranges", "10.0.0.0/8"},
        {std::string(kNginx) + "whitelist-source-range", ""},
    };
    cluster.store.upsert(ingress);
    EXPECT_THAT(problems(), IsEmpty());
    ingress.metadata.annotations.front() = {"evergate.io/body-size", "1m"};
    cluster.store.upsert(ingress);
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("whitelist-source-range")));
}

TEST_F(ForeignAnnotations, OfIngressesAndServicesThatAreNotServedAreNobodysBusiness) {
    addIngress({std::string(kNginx) + "auth-url"}, "nginx");
    cluster.addService("other", {{"http", 80, true}}, {{std::string(kNginx) + "x", ""}});
    EXPECT_THAT(problems(), IsEmpty());
    cluster.addService("web", {{"http", 80, true}, {"more", 81, true}},
                       {{"haproxy.org/check", ""}});
    addIngress({});
    EXPECT_THAT(problems(), ElementsAre(AllOf(HasSubstr("Service shop/web metadata.annotations"),
                                              HasSubstr("haproxy.org/check"))));
}

TEST_F(ForeignAnnotations, ManyAreBoundedAndThoseThatKeepSomebodyOutComeFirst) {
    std::vector<std::string> names{std::string(kNginx) + "zz-auth",
                                   std::string(kNginx) + std::string(280, 'x')};
    for (char c = 'a'; c <= 'z'; ++c) {
        names.push_back(std::string(kNginx) + c);
    }
    addIngress(names);
    const auto found = problems();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_THAT(found[0], HasSubstr("Evergate: nginx.ingress.kubernetes.io/zz-auth, "));
    EXPECT_THAT(found[0], EndsWith("and 20 more; what they ask for does not happen"));
    EXPECT_LT(found[0].size(), 1'000u);
}

TEST(CounterpartsOf, AreThoseOfTheTable) {
    EXPECT_EQ(counterpartsOf("ssl-passthrough"), "evergate.io/ssl-passthrough");
    EXPECT_EQ(counterpartsOf("proxy-ssl-secret"),
              "evergate.io/backend-tls-ca and evergate.io/backend-tls-secret");
    // Keys of its ConfigMap, a part of a name, nothing.
    for (const char* name : {"use-gzip", "proxy-set-headers", "redirect", ""})
        EXPECT_EQ(counterpartsOf(name), "") << name;
}

}  // namespace
}  // namespace evergate::controller
