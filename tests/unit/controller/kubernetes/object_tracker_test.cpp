// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/object_tracker.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::kubernetes {
namespace {

constexpr auto kService = ResourceKind::service;

Decoded service(const std::string& name, const std::string& port = "80") {
    return decodeAs(kService, R"({"metadata":{"name":")" + name +
                                  R"(","namespace":"shop"},"spec":{"ports":[{"port":)" + port +
                                  "}]}}");
}

std::vector<Decoded> list(std::initializer_list<Decoded> objects) {
    return objects;
}

ObjectKey key(const std::string& name) {
    return {kService, {"shop", name}};
}

int portOf(const ObjectTracker& tracker, const std::string& name) {
    const auto* found = tracker.store().service({"shop", name});
    return found == nullptr ? 0 : found->ports.at(0).port;
}

TEST(ObjectTracker, ReplacesAKindByAList) {
    ObjectTracker tracker{"evergate"};
    EXPECT_TRUE(tracker.listed(kService, list({service("a"), service("b")}), 1).config);
    EXPECT_TRUE(tracker.listed(kService, list({service("a")}), 1).config);
    EXPECT_EQ(portOf(tracker, "b"), 0);
    EXPECT_TRUE(tracker.listed(kService, list({service("a")}), 1).none());
}

TEST(ObjectTracker, KeepsTheLastGoodVersionOfAMalformedObject) {
    ObjectTracker tracker{"evergate"};
    tracker.listed(kService, list({service("a"), service("b")}), 1);
    EXPECT_TRUE(tracker.changed(kService, service("a", "\"x\"")).config);
    EXPECT_EQ(portOf(tracker, "a"), 80);
    ASSERT_EQ(tracker.problems().size(), 1U);
    EXPECT_EQ(tracker.problems().front().object, "Service shop/a");
    // The same again is no news; a list with it neither removes nor replaces the object.
    EXPECT_TRUE(tracker.changed(kService, service("a", "\"x\"")).none());
    EXPECT_TRUE(tracker.listed(kService, list({service("a", "\"x\""), service("b")}), 1).none());
    EXPECT_EQ(portOf(tracker, "a"), 80);
    EXPECT_TRUE(tracker.changed(kService, service("a", "81")).config);
    EXPECT_EQ(portOf(tracker, "a"), 81);
    EXPECT_TRUE(tracker.problems().empty());
}

TEST(ObjectTracker, ForgetsTheProblemOfADeletedObject) {
    ObjectTracker tracker{"evergate"};
    tracker.changed(kService, service("a", "\"x\""));
    EXPECT_EQ(tracker.problems().size(), 1U);
    EXPECT_TRUE(tracker.erased(key("a")).config);
    EXPECT_TRUE(tracker.problems().empty());
    EXPECT_TRUE(tracker.erased(key("a")).none());
}

TEST(ObjectTracker, CountsRoundsOfWhichEveryListIsIn) {
    ObjectTracker tracker{"evergate"};
    tracker.doWithout(ResourceKind::secret);
    for (const auto kind : {ResourceKind::ingress, kService, ResourceKind::endpointSlice}) {
        tracker.listed(kind, {}, 1);
        EXPECT_EQ(tracker.completeRound(), 0U);
    }
    tracker.listed(ResourceKind::ingressClass, {}, 1);
    EXPECT_EQ(tracker.completeRound(), 1U);
    tracker.listed(kService, {}, 2);
    EXPECT_EQ(tracker.completeRound(), 1U);
}

TEST(ObjectTracker, DoesWithoutForbiddenSecretsAndKeepsThoseItHas) {
    ObjectTracker tracker{"evergate"};
    for (const auto kind : {ResourceKind::ingress, ResourceKind::ingressClass, kService,
                            ResourceKind::endpointSlice}) {
        tracker.listed(kind, {}, 1);
    }
    EXPECT_EQ(tracker.completeRound(), 0U);
    EXPECT_TRUE(tracker.forbidden(ResourceKind::secret, 1).config);
    EXPECT_TRUE(tracker.forbidden(ResourceKind::secret, 1).none());
    EXPECT_EQ(tracker.completeRound(), 1U);
    ASSERT_EQ(tracker.problems().size(), 1U);
    EXPECT_EQ(tracker.problems().front().object, "Secret");
    // Allowed again, then refused again.
    tracker.listed(ResourceKind::secret,
                   list({decodeAs(ResourceKind::secret,
                                  R"({"metadata":{"name":"a","namespace":"shop"},
                                      "type":"kubernetes.io/tls","data":{"tls.crt":"YQ=="}})")}),
                   1);
    EXPECT_TRUE(tracker.problems().empty());
    tracker.forbidden(ResourceKind::secret, 2);
    EXPECT_NE(tracker.store().secret({"shop", "a"}), nullptr);
    EXPECT_EQ(tracker.problems().size(), 1U);
}

TEST(ObjectTracker, KeepsTheLastGoodVersionOfASecret) {
    constexpr auto kSecret = ResourceKind::secret;
    const auto secret = [](const std::string& certificate) {
        return decodeAs(kSecret, R"({"metadata":{"name":"a","namespace":"shop"},
            "type":"kubernetes.io/tls","data":{"tls.crt":")" +
                                     certificate + "\"}}");
    };
    ObjectTracker tracker{"evergate"};
    tracker.listed(kSecret, list({secret("YQ==")}), 1);
    EXPECT_TRUE(tracker.changed(kSecret, secret("Y")).config);
    EXPECT_EQ(tracker.store().secret({"shop", "a"})->pair->chain, "a");
    tracker.listed(kSecret, list({secret("Y")}), 1);
    EXPECT_EQ(tracker.store().secret({"shop", "a"})->pair->chain, "a");
    ASSERT_EQ(tracker.problems().size(), 1U);
    EXPECT_EQ(tracker.problems().front().where, R"(data["tls.crt"])");
}

TEST(ObjectTracker, DoesWithoutForbiddenClassesOnly) {
    ObjectTracker tracker{"evergate"};
    tracker.doWithout(ResourceKind::secret);
    for (const auto kind : {ResourceKind::ingress, kService, ResourceKind::endpointSlice}) {
        tracker.listed(kind, {}, 1);
    }
    EXPECT_TRUE(tracker.forbidden(kService, 1).none());
    EXPECT_TRUE(tracker.forbidden(ResourceKind::ingressClass, 1).config);
    EXPECT_TRUE(tracker.forbidden(ResourceKind::ingressClass, 1).none());
    EXPECT_EQ(tracker.completeRound(), 1U);
    ASSERT_EQ(tracker.problems().size(), 1U);
    EXPECT_EQ(tracker.problems().front().object, "IngressClass");
    EXPECT_EQ(tracker.store().ingressClasses().count({"", "evergate"}), 1U);
    EXPECT_TRUE(tracker.listed(ResourceKind::ingressClass, {}, 1).config);
    EXPECT_TRUE(tracker.store().ingressClasses().empty());
    EXPECT_TRUE(tracker.problems().empty());
}

}  // namespace
}  // namespace evergate::controller::kubernetes
