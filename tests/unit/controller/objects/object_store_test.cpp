// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/object_store.hpp"

#include <gmock/gmock.h>

namespace evergate::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Metadata named(std::string ns, std::string name) {
    Metadata metadata;
    metadata.id = {std::move(ns), std::move(name)};
    return metadata;
}

Ingress ingress(const std::string& name, const std::string& service) {
    Ingress object;
    object.metadata = named("shop", name);
    object.rules = {{"a.test", {{"/", "Prefix", {service, {"", 80}, false}}}}};
    return object;
}

EndpointSlice slice(const std::string& name, const std::string& service,
                    const std::string& address = "10.0.0.1") {
    EndpointSlice object;
    object.metadata = named("shop", name);
    object.service = service;
    object.endpoints = {{address, true, false}};
    object.ports = {{"http", 8080, true}};
    return object;
}

Service service(const std::string& name, Annotations annotations = {}) {
    Service object;
    object.metadata = named("shop", name);
    object.metadata.annotations = std::move(annotations);
    return object;
}

const ObjectName kCart{"shop", "cart"};

TEST(ObjectStore, IgnoresChangesOfResourceVersionOnly) {
    ObjectStore store;
    EXPECT_TRUE(store.upsert(ingress("a", "cart")).config);
    Ingress again = ingress("a", "cart");
    again.metadata.resourceVersion = "2";
    again.metadata.uid = "u";
    EXPECT_TRUE(store.upsert(again).none());
    EXPECT_EQ(store.ingresses().begin()->second.metadata.resourceVersion, "2");
    again.metadata.annotations = {{"evergate.io/load-balance", "hash"}};
    EXPECT_TRUE(store.upsert(again).config);
}

TEST(ObjectStore, TellsWhichServiceASliceChangesTheEndpointsOf) {
    ObjectStore store;
    store.upsert(ingress("a", "cart"));
    const Change added = store.upsert(slice("cart-1", "cart"));
    EXPECT_FALSE(added.config);
    EXPECT_THAT(added.endpointsOf, ElementsAre(kCart));
    EXPECT_TRUE(store.upsert(slice("cart-1", "cart")).none());
    EXPECT_THAT(store.upsert(slice("cart-1", "cart", "10.0.0.2")).endpointsOf, ElementsAre(kCart));
    EXPECT_THAT(store.erase({ResourceKind::endpointSlice, {"shop", "cart-1"}}).endpointsOf,
                ElementsAre(kCart));
    EXPECT_TRUE(store.erase({ResourceKind::endpointSlice, {"shop", "cart-1"}}).none());
}

TEST(ObjectStore, PassesOverSlicesOfServicesNobodyNames) {
    ObjectStore store;
    store.upsert(ingress("a", "cart"));
    EXPECT_TRUE(store.upsert(slice("pay-1", "pay")).none());
    EXPECT_TRUE(store.upsert(slice("lost", "")).none());
    EXPECT_THAT(store.slicesOf({"shop", "pay"}), SizeIs(1));
}

TEST(ObjectStore, CountsAListenerAnnotationAsAReference) {
    ObjectStore store;
    store.upsert(service("db", {{"evergate.io/tcp-port", "5432"}}));
    EXPECT_TRUE(store.isReferenced({"shop", "db"}));
    EXPECT_THAT(store.upsert(slice("db-1", "db")).endpointsOf,
                ElementsAre(ObjectName{"shop", "db"}));
}

TEST(ObjectStore, MovesASliceBetweenServices) {
    ObjectStore store;
    store.upsert(ingress("a", "cart"));
    store.upsert(ingress("b", "pay"));
    store.upsert(slice("s", "cart"));
    EXPECT_THAT(store.upsert(slice("s", "pay")).endpointsOf,
                ElementsAre(kCart, ObjectName{"shop", "pay"}));
    EXPECT_THAT(store.slicesOf(kCart), IsEmpty());
    EXPECT_THAT(store.slicesOf({"shop", "pay"}), SizeIs(1));
}

TEST(ObjectStore, KeepsTheIndexOfIngressesInStep) {
    ObjectStore store;
    store.upsert(ingress("b", "cart"));
    store.upsert(ingress("a", "cart"));
    ASSERT_THAT(store.ingressesNaming(kCart), SizeIs(2));
    EXPECT_EQ(store.ingressesNaming(kCart)[0]->metadata.id.name, "a");
    store.upsert(ingress("a", "pay"));
    EXPECT_THAT(store.ingressesNaming(kCart), SizeIs(1));
    store.erase({ResourceKind::ingress, {"shop", "b"}});
    EXPECT_FALSE(store.isReferenced(kCart));
}

TEST(ObjectStore, AsksForEverythingWhenASliceNamesHosts) {
    ObjectStore store;
    store.upsert(ingress("a", "cart"));
    EndpointSlice names = slice("cart-1", "cart", "cart.example.com");
    names.addressType = AddressType::fqdn;
    EXPECT_TRUE(store.upsert(names).config);
}

TEST(ObjectStore, ReplacesOneKindOnly) {
    ObjectStore store;
    store.upsert(ingress("a", "cart"));
    store.upsert(service("cart"));
    store.upsert(service("old"));
    const Change change =
        store.replaceAll(ResourceKind::service,
                         {service("cart"), service("new"), ingress("stray", "cart"), Unknown{}});
    EXPECT_TRUE(change.config);
    EXPECT_THAT(store.keys(ResourceKind::service),
                ElementsAre(ObjectKey{ResourceKind::service, {"shop", "cart"}},
                            ObjectKey{ResourceKind::service, {"shop", "new"}}));
    EXPECT_THAT(store.ingresses(), SizeIs(1));
    EXPECT_TRUE(store.replaceAll(ResourceKind::service, {service("cart"), service("new")}).none());
    EXPECT_EQ(store.size(), 3u);
}

}  // namespace
}  // namespace evergate::controller
