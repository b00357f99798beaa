// SPDX-License-Identifier: Apache-2.0
// What is written into the cluster, against the fake API server: one event loop with a source, a
// stand-in for the data planes that acknowledges when told, and the part that writes back.
#include "tests/integration/writeback_rig.hpp"
#include "tests/support/fake_kube_api.hpp"

namespace evergate::test {
namespace {

class WritebackTest : public ::testing::Test {
protected:
    ClusterConfig cluster() {
        ClusterConfig config;
        config.server.tls = false;
        config.server.host = "127.0.0.1";
        config.server.port = api.port();
        return config;
    }

    void start(writeback::WritebackOptions options) {
        for (const auto& object :
             {ingressClass(), service("cart"), ingress("cart", "cart.test", "cart")}) {
            api.upsert(object);
        }
        rig.start(cluster(), std::move(options));
        ASSERT_TRUE(rig.runUntil([&] { return rig.back->leading(); }));
    }

    void start() { start(WritebackRig::options()); }

    std::size_t events() { return api.store().count(*findFakeKind("Event")); }

    std::string published(const std::string& name) {
        const auto object = json::parse(api.request("GET", kIngresses + "/" + name).body);
        return object.contains("status")
                   ? object["status"]["loadBalancer"].value("ingress", json::array()).dump()
                   : "";
    }

    bool shows(const std::string& name, const std::string& address) {
        return rig.runUntil([&] { return published(name).find(address) != std::string::npos; });
    }

    WritebackRig rig;
    FakeKubeApi api{rig.io};
};

TEST_F(WritebackTest, WritesAStatusOnceItIsAcknowledged) {
    rig.autoAcknowledge = false;
    start();
    ASSERT_TRUE(rig.runUntil([&] { return rig.source->serial().has_value(); }));
    rig.runFor(100ms);
    EXPECT_EQ(published("cart"), "");
    rig.acknowledgeAll();
    EXPECT_TRUE(shows("cart", "192.0.2.1"));
    // Nothing more to do: the echo of our write starts nothing.
    ASSERT_TRUE(rig.runUntil([&] { return events() == 1; }));  // Synced
    const auto before = api.request("GET", kIngresses + "/cart").body;
    rig.runFor(200ms);
    EXPECT_EQ(rig.counters().statusWritten, 1U);
    EXPECT_EQ(api.request("GET", kIngresses + "/cart").body, before);
    EXPECT_EQ(events(), 1U);
}

TEST_F(WritebackTest, GoesOnAfterAConflict) {
    start();
    ASSERT_TRUE(shows("cart", "192.0.2.1"));
    api.faults().refusals = {1, 409, "/pay/status", {}};
    api.upsert(ingress("pay", "pay.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return rig.counters().statusConflicts == 1; }));
    EXPECT_EQ(published("pay"), "");
    api.upsert(ingress("pay", "till.test", "cart"));  // what was in conflict with us
    EXPECT_TRUE(shows("pay", "192.0.2.1"));
}

TEST_F(WritebackTest, TriesAgainWhenTheServerIsUnwell) {
    api.faults().refusals = {2, 503, "/status", {}};
    start();
    EXPECT_TRUE(shows("cart", "192.0.2.1"));
    EXPECT_EQ(rig.counters().statusFailed, 2U);
}

TEST_F(WritebackTest, OneRefusedObjectDoesNotHoldUpOthers) {
    api.faults().refusals = {1, 422, "/cart/status", {}};
    api.upsert(ingress("pay", "pay.test", "cart"));
    start();
    EXPECT_TRUE(shows("pay", "192.0.2.1"));
    EXPECT_EQ(published("cart"), "");
}

TEST_F(WritebackTest, WritesNothingMoreOnceItDoesNotLead) {
    start();
    ASSERT_TRUE(shows("cart", "192.0.2.1"));
    // Somebody else takes the Lease.
    auto lease = json::parse(api.request("GET", kLease).body);
    lease["spec"]["holderIdentity"] = "other";
    lease["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z";
    lease["spec"]["leaseDurationSeconds"] = 3600;
    lease["metadata"].erase("resourceVersion");
    api.upsert(lease);
    ASSERT_TRUE(rig.runUntil([&] { return !rig.back->leading(); }));
    EXPECT_EQ(rig.back->status().holder, "other");
    const auto written = rig.counters();
    auto odd = service("odd");
    odd["metadata"]["annotations"]["evergate.io/load-balance"] = "nonsense";
    api.upsert(odd);
    api.upsert(ingress("pay", "pay.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.hasHost("pay.test"); }));
    rig.runFor(200ms);
    EXPECT_EQ(rig.counters().statusWritten, written.statusWritten);
    EXPECT_EQ(rig.counters().eventsCreated, written.eventsCreated);
}

TEST_F(WritebackTest, BreaksOffTheWriteUnderWayWhenItCeasesToLead) {
    start();
    ASSERT_TRUE(shows("cart", "192.0.2.1"));
    api.goDown();  // renewals fail, and so does every write
    api.upsert(ingress("pay", "pay.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return !rig.back->leading(); }));
    api.goUp();
    EXPECT_TRUE(shows("pay", "192.0.2.1"));
}

TEST_F(WritebackTest, TellsOfAProblemOnceAndNotAgainAfterATakeover) {
    auto odd = service("odd");
    odd["metadata"]["annotations"]["evergate.io/load-balance"] = "nonsense";
    api.upsert(odd);
    start();
    ASSERT_TRUE(rig.runUntil([&] { return rig.counters().eventsCreated == 2; }));  // and Synced
    rig.stop();
    rig.start(cluster(), WritebackRig::options());
    ASSERT_TRUE(rig.runUntil([&] { return rig.back->leading(); }));
    api.upsert(ingress("pay", "pay.test", "cart"));
    ASSERT_TRUE(shows("pay", "192.0.2.1"));
    ASSERT_TRUE(rig.runUntil([&] { return rig.counters().eventsCreated == 1; }));  // Synced of pay
    EXPECT_EQ(rig.counters().eventsRepeated, 0U);
    EXPECT_EQ(events(), 3U);
}

TEST_F(WritebackTest, CountsAnEventUpThatIsThere) {
    start();
    ASSERT_TRUE(rig.runUntil([&] { return rig.counters().eventsCreated == 1; }));
    rig.stop();
    rig.start(cluster(), WritebackRig::options());
    ASSERT_TRUE(rig.runUntil([&] { return rig.back->leading(); }));
    auto odd = service("odd");  // its Event shows that the cluster has been looked at
    odd["metadata"]["annotations"]["evergate.io/load-balance"] = "nonsense";
    api.upsert(odd);
    ASSERT_TRUE(rig.runUntil([&] { return rig.counters().eventsCreated == 1; }));
    api.upsert(ingress("cart", "till.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return rig.counters().eventsRepeated == 1; }));
    const auto list = json::parse(api.request("GET", "/api/v1/namespaces/shop/events").body);
    for (const auto& event : list["items"]) {
        EXPECT_EQ(event["count"], event["reason"] == "Synced" ? 2 : 1);
    }
    EXPECT_EQ(list["items"].size(), 2U);
}

TEST_F(WritebackTest, WithoutElectionItLeadsAlone) {
    auto options = WritebackRig::options();
    options.election = false;
    start(std::move(options));
    EXPECT_TRUE(shows("cart", "192.0.2.1"));
    EXPECT_EQ(api.store().count(*findFakeKind("Lease")), 0U);
}

TEST_F(WritebackTest, GivesTheLeaseAwayAtTheEnd) {
    start();
    rig.release();
    const auto lease = json::parse(api.request("GET", kLease).body);
    EXPECT_EQ(lease["spec"]["holderIdentity"], "");
    EXPECT_FALSE(rig.back->leading());
}

TEST_F(WritebackTest, EndsInTimeWithoutAServer) {
    start();
    api.goDown();
    const auto begun = std::chrono::steady_clock::now();
    rig.release();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

}  // namespace
}  // namespace evergate::test
