// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/translate.hpp"

#include <gmock/gmock.h>

#include "common/model/validation.hpp"
#include "tests/unit/controller/objects/samples.hpp"
#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using testing::byName;
using testing::Cluster;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::endpointsOf;
using ::testing::IsEmpty;
using testing::problemsOf;
using testing::routesOf;
using ::testing::UnorderedElementsAre;

TEST(Translate, EmptyStoreStillListens) {
    const Desired desired = Cluster().translated();
    const auto* http = desired.config.find<model::Listener>({model::Kind::listener, "http"});
    ASSERT_NE(http, nullptr);
    EXPECT_EQ(http->port, 80);
    EXPECT_NE(desired.config.find<model::Settings>({model::Kind::settings, "global"}), nullptr);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST(Translate, ServesTheObjectsOfARealServer) {
    Cluster cluster;
    cluster.store = {};
    for (const auto& [kind, file] :
         {std::pair(ResourceKind::ingressClass, "list-ingressclasses.json"),
          std::pair(ResourceKind::ingress, "list-ingresses.json"),
          std::pair(ResourceKind::service, "list-services.json"),
          std::pair(ResourceKind::endpointSlice, "list-endpointslices.json")}) {
        cluster.store.replaceAll(kind, samples::decodeList(kind, file));
    }
    const Desired desired = cluster.translated();
    EXPECT_THAT(routesOf(desired), Contains("web.test ^/ -> demo/web/80"));
    EXPECT_THAT(routesOf(desired), Contains("shop.example.com ^/cart -> shop/cart/http"));
    EXPECT_THAT(routesOf(desired),
                Contains("shop.example.com =/pay/callback -> shop/pay-headless/8443"));
    EXPECT_THAT(routesOf(desired), Contains("* ^/ -> shop/cart/80"));
    EXPECT_THAT(endpointsOf(desired, "shop/pay-headless/8443"), ElementsAre("fd00:77::1 8443"));
    EXPECT_THAT(endpointsOf(desired, "demo/web/80"), ElementsAre("10.1.2.3 9101"));
    EXPECT_EQ(
        desired.config.find<model::Backend>({model::Kind::backend, "shop/cart/http"})->balance,
        model::BalanceAlgorithm::leastRequest);
    EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
}

TEST(Translate, BuildsOnlyBackendsSomebodyNames) {
    Cluster cluster;
    cluster.addService("cart");
    cluster.addService("pay");
    cluster.store.upsert(Cluster::ingress("a", "a.test", {{"/", "Prefix", "cart"}}));
    const Desired desired = cluster.translated();
    EXPECT_EQ(desired.config.count(model::Kind::backend), 1u);
    EXPECT_THAT(endpointsOf(desired, "shop/cart/80"), IsEmpty());
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST(Translate, TranslatesEveryPathType) {
    Cluster cluster;
    cluster.addService("cart");
    cluster.store.upsert(Cluster::ingress("a", "A.test",
                                          {{"/e/", "Exact", "cart"},
                                           {"/p/", "Prefix", "cart", byName("http")},
                                           {"/r", "ImplementationSpecific", "cart"},
                                           {"", "ImplementationSpecific", "cart"}}));
    EXPECT_THAT(routesOf(cluster.translated()),
                ElementsAre("a.test =/e/ -> shop/cart/80", "a.test ^/p -> shop/cart/http",
                            "a.test ~/ -> shop/cart/80", "a.test ~/r -> shop/cart/80"));
}

TEST(Translate, LetsTheOldestIngressWin) {
    Cluster cluster;
    cluster.addService("old");
    cluster.addService("new");
    cluster.store.upsert(Cluster::ingress("a-new", "a.test", {{"/x", "Prefix", "new"}}, 200));
    cluster.store.upsert(Cluster::ingress("z-old", "a.test", {{"/x/", "Prefix", "old"}}, 100));
    const Desired desired = cluster.translated();
    EXPECT_THAT(routesOf(desired), ElementsAre("a.test ^/x -> shop/old/80"));
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre("Ingress shop/a-new spec.rules[0].http.paths[0]: host, type and path already "
                    "belong to Ingress shop/z-old (spec.rules[0].http.paths[0]), which comes "
                    "first; ignored"));
}

TEST(Translate, BreaksTiesOfAgeByName) {
    Cluster cluster;
    cluster.addService("one");
    cluster.addService("two");
    cluster.store.upsert(Cluster::ingress("b", "a.test", {{"/", "Prefix", "two"}}, 100));
    cluster.store.upsert(Cluster::ingress("a", "a.test", {{"/", "Prefix", "one"}}, 100));
    EXPECT_THAT(routesOf(cluster.translated()), ElementsAre("a.test ^/ -> shop/one/80"));
}

TEST(Translate, LetsDifferentPathTypesCoexist) {
    Cluster cluster;
    cluster.addService("cart");
    cluster.store.upsert(Cluster::ingress("a", "a.test",
                                          {{"/x", "Prefix", "cart"},
                                           {"/x", "Exact", "cart"},
                                           {"/x", "ImplementationSpecific", "cart"},
                                           {"/x", "Exact", "cart"}}));
    const Desired desired = cluster.translated();
    EXPECT_EQ(routesOf(desired).size(), 3u);
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre("Ingress shop/a spec.rules[0].http.paths[3]: has the host, type and path of "
                    "spec.rules[0].http.paths[1]; ignored"));
}

TEST(Translate, SendsEverythingToTheDefaultBackendWithoutRules) {
    Cluster cluster;
    cluster.addService("cart");
    Ingress ingress = Cluster::ingress("a", "", {});
    ingress.rules.clear();
    ingress.defaultBackend = IngressBackend{"cart", {"", 80}, false};
    cluster.store.upsert(ingress);
    EXPECT_THAT(routesOf(cluster.translated()), ElementsAre("* ^/ -> shop/cart/80"));
}

TEST(Translate, SendsTheUnmatchedPathsOfAHostToItsOwnDefault) {
    Cluster cluster;
    for (const char* name : {"cart", "fallback", "other"}) {
        cluster.addService(name);
    }
    Ingress other = Cluster::ingress("other", "", {}, 1);
    other.rules.clear();
    other.defaultBackend = IngressBackend{"other", {"", 80}, false};
    cluster.store.upsert(other);
    Ingress ingress = Cluster::ingress("a", "a.test", {{"/cart", "Prefix", "cart"}}, 2);
    ingress.rules.push_back({"b.test", {}});
    ingress.defaultBackend = IngressBackend{"fallback", {"", 80}, false};
    cluster.store.upsert(ingress);
    const Desired desired = cluster.translated();
    EXPECT_THAT(
        routesOf(desired),
        UnorderedElementsAre("* ^/ -> shop/other/80", "a.test ^/ -> shop/fallback/80",
                             "a.test ^/cart -> shop/cart/80", "b.test ^/ -> shop/fallback/80"));
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST(Translate, NeverLetsADefaultTakeAnExplicitRule) {
    Cluster cluster;
    cluster.addService("cart");
    cluster.addService("fallback");
    Ingress old = Cluster::ingress("old", "a.test", {{"/x", "Prefix", "fallback"}}, 1);
    old.defaultBackend = IngressBackend{"fallback", {"", 80}, false};
    cluster.store.upsert(old);
    cluster.store.upsert(
        Cluster::ingress("new", "a.test", {{"/", "ImplementationSpecific", "cart"}}, 2));
    const Desired desired = cluster.translated();
    EXPECT_THAT(routesOf(desired),
                UnorderedElementsAre("* ^/ -> shop/fallback/80", "a.test ^/x -> shop/fallback/80",
                                     "a.test ~/ -> shop/cart/80"));
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST(Translate, TellsWhenTheCatchAllIsTaken) {
    Cluster cluster;
    cluster.addService("cart");
    for (const char* name : {"a", "b"}) {
        Ingress ingress = Cluster::ingress(name, "", {});
        ingress.rules.clear();
        ingress.defaultBackend = IngressBackend{"cart", {"", 80}, false};
        cluster.store.upsert(ingress);
    }
    EXPECT_THAT(
        problemsOf(cluster.translated()),
        ElementsAre("Ingress shop/b spec.defaultBackend: requests for any host already belong to "
                    "Ingress shop/a (spec.defaultBackend), which comes first; ignored"));
}

TEST(Translate, ReportsTargetsThatAreNotThere) {
    Cluster cluster;
    cluster.addService("cart", {{"http", 80, true}, {"dns", 53, false}});
    Service external;
    external.metadata = Cluster::named("shop", "external");
    external.externalName = true;
    cluster.store.upsert(external);
    cluster.store.upsert(Cluster::ingress("a", "a.test",
                                          {{"/1", "Prefix", "missing"},
                                           {"/2", "Prefix", "cart", {"", 81}},
                                           {"/3", "Prefix", "cart", byName("dns")},
                                           {"/4", "Prefix", "external"}}));
    const Desired desired = cluster.translated();
    EXPECT_EQ(routesOf(desired).size(), 4u);
    EXPECT_THAT(endpointsOf(desired, "shop/missing/80"), IsEmpty());
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre(
            "Ingress shop/a spec.rules[0].http.paths[0].backend.service.name: Service "
            "shop/missing does not exist",
            "Ingress shop/a spec.rules[0].http.paths[1].backend.service.port: Service shop/cart "
            "has no TCP port 81",
            "Ingress shop/a spec.rules[0].http.paths[2].backend.service.port: Service shop/cart "
            "has no TCP port dns",
            "Ingress shop/a spec.rules[0].http.paths[3].backend.service.name: Service "
            "shop/external is of type ExternalName, which is not supported"));
}

TEST(Translate, CostsOnlyTheWrongPart) {
    Cluster cluster;
    cluster.addService("cart");
    Ingress ingress = Cluster::ingress("a", "bad_host", {{"/", "Prefix", "cart"}});
    ingress.rules.push_back({"a.test",
                             {{"no-slash", "Prefix", {"cart", {"", 80}, false}},
                              {"/none", "", {"cart", {"", 80}, false}},
                              {"/resource", "Prefix", {"", {}, true}},
                              {"/both", "Prefix", {"cart", {"http", 80}, false}},
                              {"/big", "Prefix", {"cart", {"", 70000}, false}},
                              {"/good", "Prefix", {"cart", {"", 80}, false}}}});
    ingress.rules.push_back({"b.test", {}});
    cluster.store.upsert(ingress);
    const Desired desired = cluster.translated();
    EXPECT_THAT(routesOf(desired), ElementsAre("a.test ^/good -> shop/cart/80"));
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre(
            "Ingress shop/a spec.rules[0].host: must be a DNS name, or \"*.\" and a DNS name",
            "Ingress shop/a spec.rules[1].http.paths[0].path: must start with \"/\"",
            "Ingress shop/a spec.rules[1].http.paths[1].path: pathType is required",
            "Ingress shop/a spec.rules[1].http.paths[2].backend.resource: resource backends are "
            "not supported",
            "Ingress shop/a spec.rules[1].http.paths[3].backend.service.port: needs exactly one "
            "of name and number",
            "Ingress shop/a spec.rules[1].http.paths[4].backend.service.port.number: must be "
            "from 1 to 65535",
            "Ingress shop/a spec.rules[2]: has no paths, and the Ingress has no defaultBackend"));
}

TEST(Translate, PrefersTheBalanceOfTheService) {
    Cluster cluster;
    cluster.addService("cart", {{"http", 80, true}}, {{"evergate.io/load-balance", "hash:path"}});
    cluster.addService("pay");
    Ingress old =
        Cluster::ingress("old", "a.test", {{"/", "Prefix", "cart"}, {"/p", "Prefix", "pay"}}, 1);
    old.metadata.annotations = {{"evergate.io/load-balance", "least-request"}};
    Ingress young = Cluster::ingress("young", "b.test", {{"/", "Prefix", "pay"}}, 2);
    young.metadata.annotations = {{"evergate.io/load-balance", "hash"}};
    cluster.store.upsert(old);
    cluster.store.upsert(young);
    const Desired desired = cluster.translated();
    const auto balance = [&](const char* name) {
        return desired.config.find<model::Backend>({model::Kind::backend, name})->balance;
    };
    EXPECT_EQ(balance("shop/cart/80"), model::BalanceAlgorithm::consistentHash);
    EXPECT_EQ(balance("shop/pay/80"), model::BalanceAlgorithm::leastRequest);
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre(
            "Ingress shop/young metadata.annotations[\"evergate.io/load-balance\"]: differs "
            "from that of Ingress shop/old for backend shop/pay/80; ignored there"));
}

TEST(Translate, ReportsAnnotationsItDoesNotKnow) {
    Cluster cluster;
    cluster.addService("cart", {{"http", 80, true}}, {{"evergate.io/load-balance", "sometimes"}});
    Ingress ingress = Cluster::ingress("a", "a.test", {{"/", "Prefix", "cart"}});
    ingress.metadata.annotations = {{"evergate.io/tcp-port", "1"}, {"evergate.io/typo", "x"}};
    cluster.store.upsert(ingress);
    const Desired desired = cluster.translated();
    EXPECT_EQ(routesOf(desired).size(), 1u);
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre("Ingress shop/a metadata.annotations[\"evergate.io/tcp-port\"]: belongs on a "
                    "Service; ignored",
                    "Ingress shop/a metadata.annotations[\"evergate.io/typo\"]: is not an "
                    "annotation of Evergate; ignored",
                    "Service shop/cart metadata.annotations[\"evergate.io/load-balance\"]: must "
                    "be round-robin, least-request, ewma, hash, hash:path or hash:header:NAME, "
                    "not \"sometimes\"; ignored"));
}

TEST(Translate, GivesTheSameBytesWhateverTheOrder) {
    const auto fill = [](Cluster& cluster, bool backwards) {
        for (int i = 0; i < 20; ++i) {
            const std::string n = std::to_string(backwards ? 19 - i : i);
            cluster.addService("s" + n);
            cluster.store.upsert(
                Cluster::slice("s" + n + "-1", "s" + n, {{"10.0.0." + n, true, false}}));
            cluster.store.upsert(Cluster::ingress("i" + n, "a.test", {{"/", "Prefix", "s" + n}}));
        }
    };
    Cluster forwards;
    Cluster backwards;
    fill(forwards, false);
    fill(backwards, true);
    const Desired a = forwards.translated();
    const Desired b = backwards.translated();
    EXPECT_EQ(a.config.root(model::Lane::config), b.config.root(model::Lane::config));
    EXPECT_EQ(a.config.root(model::Lane::endpoints), b.config.root(model::Lane::endpoints));
    EXPECT_EQ(a.problems, b.problems);
}

}  // namespace
}  // namespace evergate::controller
