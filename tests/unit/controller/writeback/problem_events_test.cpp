// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/problem_events.hpp"

#include <gtest/gtest.h>

#include "controller/objects/decode.hpp"
#include "controller/translate/translate.hpp"

namespace evergate::controller::writeback {
namespace {

using model::Kind;

void put(ObjectStore& store, const std::string& json) {
    auto decoded = decodeObject(json);
    ASSERT_TRUE(std::holds_alternative<Object>(decoded)) << json;
    store.upsert(std::get<Object>(std::move(decoded)));
}

std::string ingress(const std::string& name, const std::string& annotations = "{}",
                    const std::string& path = "/", int day = 1) {
    return R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":")" + name +
           R"(","namespace":"shop","uid":"uid-)" + name + R"(","creationTimestamp":"2026-01-0)" +
           std::to_string(day) + R"(T00:00:00Z","annotations":)" + annotations +
           R"(},"spec":{"ingressClassName":"evergate","rules":[{"host":"shop.test","http":{"paths":[
           {"path":")" +
           path + R"(","pathType":"Prefix","backend":{"service":{"name":"cart","port":
           {"number":80}}}}]}}]}})";
}

class ProblemEventsTest : public ::testing::Test {
protected:
    ProblemEventsTest() {
        put(store, R"({"apiVersion":"networking.k8s.io/v1","kind":"IngressClass","metadata":
            {"name":"evergate"},"spec":{"controller":"evergate.io/ingress-controller"}})");
        put(store, R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"cart","namespace":
            "shop","uid":"uid-cart"},"spec":{"ports":[{"port":80}]}})");
    }

    std::vector<EventFact> events() {
        return eventsAbout({translate(store, {}).problems, keys}, store);
    }

    ObjectStore store;
    std::vector<model::KeyedProblem> keys;
};

TEST_F(ProblemEventsTest, NameTheObjectTheFieldAndTheReason) {
    put(store, ingress("a", R"({"evergate.io/load-balance":"nonsense"})"));
    const auto facts = events();
    ASSERT_EQ(facts.size(), 1U);
    EXPECT_EQ(facts[0].subject, (ObjectKey{ResourceKind::ingress, {"shop", "a"}}));
    EXPECT_EQ(facts[0].uid, "uid-a");
    EXPECT_EQ(facts[0].reason, "InvalidAnnotation");
    EXPECT_TRUE(facts[0].warning);
    EXPECT_EQ(facts[0].message.rfind("metadata.annotations[\"evergate.io/load-balance\"]: ", 0), 0U)
        << facts[0].message;
}

TEST_F(ProblemEventsTest, NameForeignAnnotationsAsAnnotations) {
    put(store, ingress("a", R"({"nginx.ingress.kubernetes.io/auth-url":"http://auth"})"));
    const auto facts = events();
    ASSERT_EQ(facts.size(), 1U);
    EXPECT_EQ(facts[0].reason, "InvalidAnnotation");
    EXPECT_EQ(facts[0].message.rfind("metadata.annotations: not read", 0), 0U) << facts[0].message;
}

TEST_F(ProblemEventsTest, TellConflictsFromWrongFields) {
    put(store, ingress("a"));
    put(store, ingress("b", "{}", "/", 2));
    put(store, ingress("c", "{}", "no-slash", 3));
    const auto facts = events();
    ASSERT_EQ(facts.size(), 2U);
    EXPECT_EQ(facts[0].subject.name.name, "b");
    EXPECT_EQ(facts[0].reason, "Conflict") << facts[0].message;
    EXPECT_EQ(facts[1].subject.name.name, "c");
    EXPECT_EQ(facts[1].reason, "InvalidField");
}

TEST_F(ProblemEventsTest, NameTheObjectBehindARefusedKey) {
    put(store, ingress("a"));
    keys.push_back({{Kind::route, "shop/a/0/0"}, {"path", "is refused"}});
    keys.push_back({{Kind::backend, "shop/cart/80"}, {"", "is refused"}});
    keys.push_back({{Kind::listener, "http"}, {"", "port taken"}});
    keys.push_back({{Kind::route, "shop/gone/0/0"}, {"", "is refused"}});
    const auto facts = events();
    ASSERT_EQ(facts.size(), 2U);
    EXPECT_EQ(facts[0].subject.kind, ResourceKind::ingress);
    EXPECT_EQ(facts[0].reason, "Rejected");
    EXPECT_EQ(facts[0].message, "route/shop/a/0/0: path is refused");
    EXPECT_EQ(facts[1].subject, (ObjectKey{ResourceKind::service, {"shop", "cart"}}));
    EXPECT_EQ(refusedIngresses({{}, keys}),
              (std::set<ObjectName>{{"shop", "a"}, {"shop", "gone"}}));
}

TEST_F(ProblemEventsTest, LeaveOutWhatBelongsToNoObject) {
    EXPECT_TRUE(
        eventsAbout({{{"File a.yaml", "", "is wrong"}, {"IngressClass", "", "x"}}, {}}, store)
            .empty());
}

TEST_F(ProblemEventsTest, OfAnObjectNeverSeenWholeHaveNoUid) {
    const auto facts =
        eventsAbout({{{"Service shop/odd", "spec", "must be an object"}}, {}}, store);
    ASSERT_EQ(facts.size(), 1U);
    EXPECT_EQ(facts[0].uid, "");
}

TEST(ObjectBehind, ReadsTheNamesThatTranslationGives) {
    const auto behind = [](Kind kind, const char* name) {
        const auto key = objectBehind({kind, name});
        return key ? toText(*key) : "none";
    };
    EXPECT_EQ(behind(Kind::route, "shop/a/0/1"), "Ingress shop/a");
    EXPECT_EQ(behind(Kind::route, "shop/a/default"), "Ingress shop/a");
    EXPECT_EQ(behind(Kind::route, "http/shop/cart/all"), "Service shop/cart");
    EXPECT_EQ(behind(Kind::route, "http/all/0/0"), "Ingress http/all");
    EXPECT_EQ(behind(Kind::endpoints, "shop/cart/http"), "Service shop/cart");
    EXPECT_EQ(behind(Kind::listener, "tcp/shop/cart/9000"), "Service shop/cart");
    EXPECT_EQ(behind(Kind::listener, "http/shop/cart"), "Service shop/cart");
    EXPECT_EQ(behind(Kind::listener, "http"), "none");
    EXPECT_EQ(behind(Kind::settings, "global"), "none");
    EXPECT_EQ(behind(Kind::backend, ""), "none");
    EXPECT_EQ(behind(Kind::backend, "/"), "none");
}

}  // namespace
}  // namespace evergate::controller::writeback
