// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/class_selector.hpp"

#include <gmock/gmock.h>

#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using testing::Cluster;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::problemsOf;

Ingress of(std::optional<std::string> className, std::optional<std::string> annotation = {}) {
    Ingress ingress = Cluster::ingress("a", "a.test", {{"/", "Prefix", "cart"}});
    ingress.ingressClassName = std::move(className);
    if (annotation) {
        ingress.metadata.annotations = {{"kubernetes.io/ingress.class", *annotation}};
    }
    return ingress;
}

bool taken(const Cluster& cluster, const Ingress& ingress) {
    return selects(cluster.store, cluster.options, ingress);
}

TEST(ClassSelector, TakesItsOwnClass) {
    Cluster cluster;
    cluster.addClass("other", kControllerName);
    cluster.addClass("nginx", "k8s.io/ingress-nginx");
    EXPECT_TRUE(taken(cluster, of("evergate")));
    EXPECT_FALSE(taken(cluster, of("other")));
    EXPECT_FALSE(taken(cluster, of("nginx")));
    EXPECT_FALSE(taken(cluster, of("missing")));
    EXPECT_FALSE(taken(cluster, of(std::nullopt)));
}

TEST(ClassSelector, TakesEveryClassOfOursWhenNoneIsNamed) {
    Cluster cluster;
    cluster.addClass("other", kControllerName);
    cluster.addClass("nginx", "k8s.io/ingress-nginx");
    cluster.options.ingressClass.clear();
    EXPECT_TRUE(taken(cluster, of("evergate")));
    EXPECT_TRUE(taken(cluster, of("other")));
    EXPECT_FALSE(taken(cluster, of("nginx")));
    EXPECT_TRUE(taken(cluster, of(std::nullopt, "other")));
    EXPECT_FALSE(taken(cluster, of(std::nullopt, "nginx")));
}

TEST(ClassSelector, ReadsTheAnnotationOnlyWithoutTheField) {
    Cluster cluster;
    EXPECT_TRUE(taken(cluster, of(std::nullopt, "evergate")));
    EXPECT_FALSE(taken(cluster, of(std::nullopt, "nginx")));
    EXPECT_FALSE(taken(cluster, of("nginx", "evergate")));
}

TEST(ClassSelector, TakesTheClasslessWhenItIsTheDefault) {
    Cluster cluster;
    cluster.addClass("evergate", kControllerName,
                     {{"ingressclass.kubernetes.io/is-default-class", "true"}});
    EXPECT_TRUE(taken(cluster, of(std::nullopt)));
    EXPECT_FALSE(taken(cluster, of(std::nullopt, "nginx")));
}

TEST(ClassSelector, SaysWhyItsOwnClassIsNotServed) {
    Cluster cluster;
    cluster.store.erase({ResourceKind::ingressClass, {"", "evergate"}});
    cluster.store.upsert(of("evergate"));
    EXPECT_THAT(
        problemsOf(cluster.translated()),
        ElementsAre("Ingress shop/a spec.ingressClassName: IngressClass evergate does not exist; "
                    "not served"));
    cluster.addClass("evergate", "example.com/other");
    EXPECT_THAT(
        problemsOf(cluster.translated()),
        ElementsAre("Ingress shop/a spec.ingressClassName: IngressClass evergate belongs to "
                    "another controller; not served"));
    cluster.store.upsert(of("nginx"));
    EXPECT_THAT(problemsOf(cluster.translated()), IsEmpty());
}

}  // namespace
}  // namespace evergate::controller
