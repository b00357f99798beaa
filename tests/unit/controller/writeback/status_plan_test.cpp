// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/status_plan.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace evergate::controller::writeback {
namespace {

using namespace std::chrono_literals;
using Outcome = StatusPlan::Outcome;

const Addresses kOurs{{"192.0.2.1", ""}};

class StatusPlanTest : public ::testing::Test {
protected:
    StatusPlanTest() {
        IngressClass ours;
        ours.metadata.id.name = "evergate";
        ours.controller = kControllerName;
        store.upsert(ours);
        plan.setAddresses(kOurs);
    }

    Ingress& stored(const std::string& name) { return objects[name]; }

    // As if the API server sent its new form.
    void put(const std::string& name, const std::string& className = "evergate",
             const Addresses& published = {}) {
        Ingress& ingress = objects[name];
        ingress.metadata.id = {"shop", name};
        ingress.metadata.uid = "uid-" + name;
        if (ingress.ingressClassName != className) {
            ++ingress.metadata.generation;
        }
        ingress.ingressClassName = className;
        ingress.published = published;
        ingress.metadata.resourceVersion = std::to_string(++version);
        store.upsert(ingress);
    }

    void edit(const std::string& name) {
        ++objects[name].metadata.generation;
        put(name, *objects[name].ingressClassName, objects[name].published);
    }

    void observe(std::uint64_t serial, const std::set<ObjectName>& refused = {}) {
        plan.observe(store, {}, serial, refused);
    }

    std::optional<StatusWrite> next(std::uint64_t acknowledged) {
        return plan.next(store, acknowledged, now);
    }

    void expectWrite(const std::string& name, const Addresses& addresses,
                     std::uint64_t acknowledged) {
        const auto write = next(acknowledged);
        ASSERT_TRUE(write) << name;
        EXPECT_EQ(write->name.name, name);
        EXPECT_EQ(write->addresses, addresses);
        plan.onOutcome(*write, Outcome::written, now);
    }

    ObjectStore store;
    std::map<std::string, Ingress> objects;
    int version = 100;
    StatusPlan plan;
    StatusPlan::Time now{1000s};
};

TEST_F(StatusPlanTest, WritesOnlyAfterTheFormWasAcknowledged) {
    put("a");
    observe(5);
    EXPECT_FALSE(next(4));
    EXPECT_FALSE(plan.due(4));
    expectWrite("a", kOurs, 5);
    EXPECT_FALSE(next(5));
}

TEST_F(StatusPlanTest, WaitsForTheAcknowledgementOfAnEdit) {
    put("a", "evergate", {{"192.0.2.9", ""}});
    observe(5);
    edit("a");
    observe(6);
    EXPECT_FALSE(next(5));
    EXPECT_TRUE(next(6));
}

TEST_F(StatusPlanTest, AFormNotYetObservedIsNotWritten) {
    put("a");
    observe(5);
    edit("a");
    EXPECT_FALSE(next(5));
    observe(6);
    EXPECT_TRUE(next(6));
}

TEST_F(StatusPlanTest, LeavesARightStatusAlone) {
    plan.setAddresses({{"192.0.2.2", ""}, {"192.0.2.1", ""}});
    put("a", "evergate", {{"192.0.2.1", ""}, {"192.0.2.2", ""}});
    observe(1);
    EXPECT_FALSE(next(1));
}

TEST_F(StatusPlanTest, WritesNothingWithoutAnAddress) {
    plan.setAddresses({});
    put("a", "evergate", {{"192.0.2.9", ""}});
    observe(1);
    EXPECT_FALSE(next(1));
    plan.setAddresses(kOurs);
    observe(1);
    EXPECT_TRUE(next(1));
}

TEST_F(StatusPlanTest, LeavesOtherClassesAlone) {
    put("a", "nginx");
    put("b", "nginx", kOurs);
    observe(1);
    EXPECT_FALSE(next(1));
}

TEST_F(StatusPlanTest, DoesNotRepeatAWriteWhoseEchoIsLate) {
    put("a");
    observe(1);
    expectWrite("a", kOurs, 1);
    observe(1);
    EXPECT_FALSE(next(1));
    put("a", "evergate", kOurs);
    observe(1);
    EXPECT_FALSE(next(1));
}

TEST_F(StatusPlanTest, RepairsAStatusSomebodyElseWroteButDoesNotRace) {
    put("a");
    observe(1);
    expectWrite("a", kOurs, 1);
    auto pause = 0s;
    for (int i = 0; i < 6; ++i) {
        put("a", "evergate", {{"203.0.113.1", ""}});
        observe(1);
        if (pause > 0s) {
            EXPECT_FALSE(next(1));
            EXPECT_EQ(plan.due(1), now + pause);
            now += pause;
        }
        expectWrite("a", kOurs, 1);
        pause = pause == 0s ? 1s : pause * 2;
    }
}

TEST_F(StatusPlanTest, ClearsWhatItWroteOnceTheIngressIsNotOurs) {
    put("a");
    observe(1);
    expectWrite("a", kOurs, 1);
    put("a", "nginx", kOurs);
    observe(2);
    EXPECT_FALSE(next(1));  // it is served until this is acknowledged
    expectWrite("a", {}, 2);
    observe(2);
    put("a", "nginx");
    observe(2);
    EXPECT_FALSE(next(2));
}

TEST_F(StatusPlanTest, ClearsEvenAfterAConflict) {
    put("a", "evergate", kOurs);
    observe(1);
    put("a", "nginx", kOurs);
    observe(2);
    const auto write = next(2);
    ASSERT_TRUE(write);
    plan.onOutcome(*write, Outcome::conflict, now);
    observe(2);
    EXPECT_FALSE(next(2));
    put("a", "nginx", kOurs);
    observe(2);
    expectWrite("a", {}, 2);
}

TEST_F(StatusPlanTest, DoesNotClearWhatAnotherControllerWrote) {
    put("a", "evergate", kOurs);
    observe(1);
    put("a", "nginx", {{"203.0.113.1", ""}});
    observe(2);
    EXPECT_FALSE(next(2));
}

TEST_F(StatusPlanTest, AnIngressPartlyRefusedKeepsWhatItHas) {
    put("a");
    observe(1, {{"shop", "a"}});
    EXPECT_FALSE(next(1));
    observe(1);
    EXPECT_TRUE(next(1));
}

TEST_F(StatusPlanTest, FollowsAnAddressThatChanges) {
    put("a", "evergate", kOurs);
    observe(1);
    EXPECT_FALSE(next(1));
    plan.setAddresses({{"", "lb.example"}});
    observe(1);
    expectWrite("a", {{"", "lb.example"}}, 1);
    EXPECT_TRUE(plan.newlyEffective(1).empty()) << "it was in effect all along";
}

TEST_F(StatusPlanTest, TriesAgainLaterWithoutHoldingUpOthers) {
    put("a");
    put("b");
    observe(1);
    auto write = next(1);
    ASSERT_EQ(write->name.name, "a");
    plan.onOutcome(*write, Outcome::failed, now);
    expectWrite("b", kOurs, 1);
    EXPECT_FALSE(next(1));
    EXPECT_EQ(plan.due(1), now + 1s);
    now += 1s;
    write = next(1);
    ASSERT_TRUE(write);
    plan.onOutcome(*write, Outcome::refused, now);
    EXPECT_EQ(plan.due(1), now + 300s);
    edit("a");
    observe(2);
    EXPECT_TRUE(next(2));
}

TEST_F(StatusPlanTest, ForgetsAnIngressThatWasDeleted) {
    put("a");
    observe(1);
    const auto write = next(1);
    plan.onOutcome(*write, Outcome::gone, now);
    EXPECT_FALSE(next(1));
    store.erase({ResourceKind::ingress, {"shop", "a"}});
    observe(2);
    EXPECT_FALSE(next(2));
    put("a");  // another of the same name
    observe(3);
    expectWrite("a", kOurs, 3);
}

TEST_F(StatusPlanTest, TellsWhatComesIntoEffectOncePerChange) {
    put("a", "evergate", kOurs);
    observe(1);
    EXPECT_TRUE(plan.newlyEffective(1).empty()) << "was so before we led";
    edit("a");
    observe(2);
    EXPECT_TRUE(plan.newlyEffective(1).empty());
    EXPECT_EQ(plan.newlyEffective(2), std::vector{(ObjectName{"shop", "a"})});
    put("a", "evergate", kOurs);  // only the version
    observe(3);
    EXPECT_TRUE(plan.newlyEffective(3).empty());
    put("b");
    observe(4);
    EXPECT_EQ(plan.newlyEffective(4), std::vector{(ObjectName{"shop", "b"})});
    expectWrite("b", kOurs, 4);
    EXPECT_TRUE(plan.newlyEffective(4).empty());
}

TEST_F(StatusPlanTest, TellsOfAnOldIngressWhenItGetsItsFirstStatus) {
    put("a");
    observe(1);
    EXPECT_TRUE(plan.newlyEffective(1).empty());
    expectWrite("a", kOurs, 1);
    EXPECT_EQ(plan.newlyEffective(1), std::vector{(ObjectName{"shop", "a"})});
    EXPECT_TRUE(plan.newlyEffective(1).empty());
}

TEST_F(StatusPlanTest, ANewLeaderStartsAfresh) {
    put("a");
    observe(1);
    plan.forget();
    EXPECT_FALSE(next(1));
    observe(7);
    EXPECT_FALSE(next(6));
    EXPECT_TRUE(next(7));
}

TEST(StatusWrite, IsAMergePatchConditionalOnTheObject) {
    StatusWrite write{{"shop", "a"}, "u", "7", {{"192.0.2.1", ""}, {"", "lb.example"}}, true};
    EXPECT_EQ(write.target().substr(0, write.target().find('?')),
              "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/a/status");
    EXPECT_EQ(nlohmann::json::parse(write.body()),
              nlohmann::json::parse(R"({"metadata":{"uid":"u","resourceVersion":"7"},"status":
                  {"loadBalancer":{"ingress":[{"ip":"192.0.2.1"},{"hostname":"lb.example"}]}}})"));
    write.addresses.clear();
    EXPECT_TRUE(nlohmann::json::parse(write.body())["status"]["loadBalancer"]["ingress"].is_null());
}

}  // namespace
}  // namespace evergate::controller::writeback
