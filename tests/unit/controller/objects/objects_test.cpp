// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/objects.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

Ingress ingress() {
    Ingress value;
    value.metadata.id = {"shop", "cart"};
    value.metadata.annotations = {{"evergate.io/a", "1"}, {"evergate.io/b", "2"}};
    value.rules = {{"a.test", {{"/", "Prefix", {"web", {"", 80}}}}}};
    return value;
}

TEST(Objects, AreNamedForPeople) {
    EXPECT_EQ(toText({ResourceKind::ingress, {"shop", "cart"}}), "Ingress shop/cart");
    EXPECT_EQ(toText({ResourceKind::ingressClass, {"", "evergate"}}), "IngressClass evergate");
    EXPECT_EQ(toText({ResourceKind::endpointSlice, {"a", "b"}}), "EndpointSlice a/b");
}

TEST(Objects, HaveAKeyUnlessTheyAreUnknown) {
    EXPECT_EQ(keyOf(ingress()), (ObjectKey{ResourceKind::ingress, {"shop", "cart"}}));
    EXPECT_EQ(keyOf(Service{}), (ObjectKey{ResourceKind::service, {}}));
    EXPECT_EQ(keyOf(Unknown{}), std::nullopt);
}

TEST(Objects, FindTheirAnnotations) {
    const Ingress value = ingress();
    ASSERT_NE(value.metadata.annotation("evergate.io/b"), nullptr);
    EXPECT_EQ(*value.metadata.annotation("evergate.io/b"), "2");
    EXPECT_EQ(value.metadata.annotation("evergate.io/"), nullptr);
    EXPECT_EQ(value.metadata.annotation("evergate.io/c"), nullptr);
}

TEST(Objects, MeanTheSameWhateverTheirVersion) {
    Ingress other = ingress();
    other.metadata.uid = "x";
    other.metadata.resourceVersion = "9";
    other.metadata.generation = 3;
    EXPECT_TRUE(sameMeaning(ingress(), other));
    other.metadata.createdAt = 1;
    EXPECT_FALSE(sameMeaning(ingress(), other));
    other = ingress();
    other.rules.front().host = "b.test";
    EXPECT_FALSE(sameMeaning(ingress(), other));
}

TEST(Objects, ComparesSlicesWithoutAgeAndAnnotations) {
    EndpointSlice slice;
    EndpointSlice other;
    other.metadata.createdAt = 1;
    other.metadata.annotations = {{"evergate.io/a", "1"}};
    EXPECT_TRUE(sameMeaning(slice, other));
    other.endpoints = {{"10.0.0.1", true, false}};
    EXPECT_FALSE(sameMeaning(slice, other));
}

TEST(ObjectName, IsASubdomain) {
    for (const char* name : {"a", "0", "a-b", "a.b", "a--b", "1.2.3.4"}) {
        EXPECT_TRUE(isObjectName(name)) << name;
    }
    EXPECT_TRUE(isObjectName(std::string(63, 'a')));
    for (const char* name : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "A", "a_b", "a/b",
                             "*.a", "a b", "\xC3\xA9"}) {
        EXPECT_FALSE(isObjectName(name)) << name;
    }
    EXPECT_FALSE(isObjectName(std::string(64, 'a')));
    std::string longest = std::string(61, 'a');
    for (int i = 0; i < 3; ++i) {
        longest += '.' + std::string(63, 'b');
    }
    EXPECT_TRUE(isObjectName(longest));
    EXPECT_FALSE(isObjectName('a' + longest));
}

TEST(ObjectKey, IsReadBackFromItsText) {
    for (const ObjectKey& key : {ObjectKey{ResourceKind::ingress, {"shop", "cart"}},
                                 ObjectKey{ResourceKind::ingressClass, {"", "evergate"}},
                                 ObjectKey{ResourceKind::service, {"a.b", "c-1"}},
                                 ObjectKey{ResourceKind::endpointSlice, {"shop", "cart-x7"}}}) {
        EXPECT_EQ(keyFromText(toText(key)), key);
    }
}

TEST(ObjectKey, IsNotReadFromOtherText) {
    for (const char* text :
         {"", "Ingress", "Ingress ", "Ingress cart", "Ingress shop/", "Ingress /cart",
          "Ingress shop/cart/0", "Ingresses shop/cart", "ingress shop/cart", "Ingress shop/Cart",
          "Ingress  shop/cart", "IngressClass shop/evergate", "IngressClass", "File a.yaml",
          "route/shop/cart/0/0", "Service shop/cart spec.ports"}) {
        EXPECT_FALSE(keyFromText(text)) << text;
    }
}

}  // namespace
}  // namespace evergate::controller
