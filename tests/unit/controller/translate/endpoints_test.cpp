// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/endpoints.hpp"

#include <gmock/gmock.h>

#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using testing::byName;
using testing::Cluster;
using ::testing::ElementsAre;
using testing::endpointsOf;
using ::testing::IsEmpty;
using testing::problemsOf;

Cluster clusterWithCart(std::vector<ServicePort> ports = {{"http", 80, true}}) {
    Cluster cluster;
    cluster.addService("cart", std::move(ports));
    cluster.store.upsert(Cluster::ingress("a", "a.test", {{"/", "Prefix", "cart"}}));
    return cluster;
}

TEST(Endpoints, MergesSlicesAndFamilies) {
    Cluster cluster = clusterWithCart();
    cluster.store.upsert(
        Cluster::slice("cart-1", "cart", {{"10.0.0.2", true, false}, {"10.0.0.1", true, false}}));
    cluster.store.upsert(Cluster::slice("cart-2", "cart", {{"10.0.0.2", true, false}}));
    EndpointSlice v6 = Cluster::slice("cart-3", "cart", {{"FD00:0::1", true, false}});
    v6.addressType = AddressType::ipv6;
    cluster.store.upsert(v6);
    EXPECT_THAT(endpointsOf(cluster.translated(), "shop/cart/80"),
                ElementsAre("10.0.0.1 8080", "10.0.0.2 8080", "fd00::1 8080"));
}

TEST(Endpoints, LeavesOutWhatIsNotReadyOrTerminating) {
    Cluster cluster = clusterWithCart();
    cluster.store.upsert(Cluster::slice(
        "cart-1", "cart",
        {{"10.0.0.1", true, false}, {"10.0.0.2", false, false}, {"10.0.0.3", true, true}}));
    EXPECT_THAT(endpointsOf(cluster.translated(), "shop/cart/80"), ElementsAre("10.0.0.1 8080"));
}

TEST(Endpoints, FindsThePortOfASliceByTheNameOfTheServicePort) {
    Cluster cluster = clusterWithCart({{"http", 80, true}, {"admin", 81, true}});
    cluster.store.upsert(
        Cluster::ingress("b", "b.test", {{"/", "Prefix", "cart", byName("admin")}}));
    cluster.store.upsert(
        Cluster::slice("cart-1", "cart", {{"10.0.0.1", true, false}},
                       {{"admin", 9000, true}, {"http", 8080, true}, {"http", 8080, false}}));
    // Pods that name their port differently resolve to another number in another slice.
    cluster.store.upsert(
        Cluster::slice("cart-2", "cart", {{"10.0.0.2", true, false}}, {{"http", 8181, true}}));
    const Desired desired = cluster.translated();
    EXPECT_THAT(endpointsOf(desired, "shop/cart/80"),
                ElementsAre("10.0.0.1 8080", "10.0.0.2 8181"));
    EXPECT_THAT(endpointsOf(desired, "shop/cart/admin"), ElementsAre("10.0.0.1 9000"));
}

TEST(Endpoints, MatchesAPortWithoutAName) {
    Cluster cluster = clusterWithCart({{"", 80, true}});
    cluster.store.upsert(
        Cluster::slice("cart-1", "cart", {{"10.0.0.1", true, false}}, {{"", 8080, true}}));
    EXPECT_THAT(endpointsOf(cluster.translated(), "shop/cart/80"), ElementsAre("10.0.0.1 8080"));
}

TEST(Endpoints, PicksTheTcpPortOfTwoWithOneNumber) {
    Cluster cluster = clusterWithCart({{"udp", 80, false}, {"tcp", 80, true}});
    cluster.store.upsert(Cluster::slice("cart-1", "cart", {{"10.0.0.1", true, false}},
                                        {{"udp", 1, false}, {"tcp", 2, true}}));
    EXPECT_THAT(endpointsOf(cluster.translated(), "shop/cart/80"), ElementsAre("10.0.0.1 2"));
}

TEST(Endpoints, ReportsAddressesItLeavesOut) {
    Cluster cluster = clusterWithCart();
    cluster.store.upsert(Cluster::slice("cart-1", "cart",
                                        {{"nonsense", true, false},
                                         {"127.0.0.1", true, false},
                                         {"0.0.0.0", true, false},
                                         {"fd00::1", true, false},
                                         {"10.0.0.1", true, false}}));
    EndpointSlice names = Cluster::slice("cart-2", "cart", {{"cart.test", true, false}});
    names.addressType = AddressType::fqdn;
    cluster.store.upsert(names);
    const Desired desired = cluster.translated();
    EXPECT_THAT(endpointsOf(desired, "shop/cart/80"), ElementsAre("10.0.0.1 8080"));
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre("EndpointSlice shop/cart-1 addresses[0]: is not an IP address; left out",
                    "EndpointSlice shop/cart-1 addresses[1]: is a loopback or link-local "
                    "address; left out",
                    "EndpointSlice shop/cart-1 addresses[2]: is not the address of one host; left "
                    "out",
                    "EndpointSlice shop/cart-1 addresses[3]: is not of the slice's addressType; "
                    "left out",
                    "EndpointSlice shop/cart-2 addressType: FQDN slices are not supported; left "
                    "out"));
}

TEST(Endpoints, TakesLoopbackWhenAllowed) {
    Cluster cluster = clusterWithCart();
    cluster.options.loopbackEndpoints = true;
    cluster.store.upsert(Cluster::slice("cart-1", "cart", {{"127.0.0.1", true, false}}));
    EXPECT_THAT(endpointsOf(cluster.translated(), "shop/cart/80"), ElementsAre("127.0.0.1 8080"));
}

TEST(Endpoints, FastPathAgreesWithTheWhole) {
    Cluster cluster = clusterWithCart({{"http", 80, true}, {"admin", 81, true}});
    cluster.store.upsert(Cluster::ingress("b", "b.test",
                                          {{"/", "Prefix", "cart", byName("admin")},
                                           {"/x", "Prefix", "cart", {"", 99}},
                                           {"/y", "Prefix", "cart", {"", 80}}}));
    Ingress foreign = Cluster::ingress("c", "c.test", {{"/", "Prefix", "cart", {"", 81}}});
    foreign.ingressClassName = "nginx";
    cluster.store.upsert(foreign);
    const Change change =
        cluster.store.upsert(Cluster::slice("cart-1", "cart", {{"10.0.0.1", true, false}},
                                            {{"http", 8080, true}, {"admin", 9000, true}}));
    EXPECT_THAT(change.endpointsOf, ElementsAre(ObjectName{"shop", "cart"}));
    const auto names = affectedBackends(cluster.store, cluster.options, {"shop", "cart"});
    EXPECT_THAT(names, ElementsAre("shop/cart/80", "shop/cart/99", "shop/cart/admin"));
    const Desired desired = cluster.translated();
    EXPECT_EQ(desired.config.count(model::Kind::backend), names.size());
    for (const std::string& name : names) {
        EXPECT_EQ(translateEndpoints(cluster.store, cluster.options, name),
                  *desired.config.find<model::Endpoints>({model::Kind::endpoints, name}));
    }
    EXPECT_THAT(translateEndpoints(cluster.store, cluster.options, "no/such/port").endpoints,
                IsEmpty());
}

}  // namespace
}  // namespace evergate::controller
