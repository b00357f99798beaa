// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/resource.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::kubernetes {
namespace {

TEST(Resource, NamesCollections) {
    EXPECT_EQ(collectionPath(ResourceKind::service, ""), "/api/v1/services");
    EXPECT_EQ(collectionPath(ResourceKind::service, "shop"), "/api/v1/namespaces/shop/services");
    EXPECT_EQ(collectionPath(ResourceKind::ingress, "shop"),
              "/apis/networking.k8s.io/v1/namespaces/shop/ingresses");
    EXPECT_EQ(collectionPath(ResourceKind::ingressClass, "shop"),
              "/apis/networking.k8s.io/v1/ingressclasses");
    EXPECT_EQ(collectionPath(ResourceKind::endpointSlice, ""),
              "/apis/discovery.k8s.io/v1/endpointslices");
    EXPECT_EQ(collectionPath(ResourceKind::secret, "shop"), "/api/v1/namespaces/shop/secrets");
}

TEST(Resource, AsksForTlsSecretsOnly) {
    EXPECT_EQ(selectorQuery(ResourceKind::secret),
              "&fieldSelector=" + percentEncoded("type=" + std::string(kTlsSecretType)));
    EXPECT_EQ(selectorQuery(ResourceKind::service), "");
}

TEST(Resource, EncodesQueryValues) {
    EXPECT_EQ(percentEncoded("aZ0-._~"), "aZ0-._~");
    EXPECT_EQ(percentEncoded("a b&c=+/\n\xff"), "a%20b%26c%3D%2B%2F%0A%FF");
}

}  // namespace
}  // namespace evergate::controller::kubernetes
