// SPDX-License-Identifier: Apache-2.0
// The Kubernetes source against the fake API server: sync, changes, each fault and the recovery
// from it.
#include "tests/integration/kubernetes_scenario.hpp"
#include "tests/support/fake_kube_api.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {
namespace {

class KubernetesSourceTest : public ::testing::Test {
protected:
    ClusterConfig cluster() {
        ClusterConfig config;
        config.server.tls = false;
        config.server.host = "127.0.0.1";
        config.server.port = api.port();
        return config;
    }

    void putShop() {
        for (const auto& object :
             {ingressClass(), service("cart"), slice("cart-1", "cart", "10.1.0.1"),
              ingress("cart", "cart.test", "cart")}) {
            api.upsert(object);
        }
    }

    void start() { rig.start(KubeRig::options(cluster())); }

    void startWatching() {
        putShop();
        start();
        ASSERT_TRUE(rig.runUntilWatching()) << rig.state();
        ASSERT_TRUE(rig.sink.hasHost("cart.test"));
    }

    // Something new comes through: the source has recovered.
    void expectNewsFlow(const std::string& host) {
        api.upsert(ingress(host.substr(0, host.find('.')), host, "cart"));
        EXPECT_TRUE(rig.runUntil([&] { return rig.sink.hasHost(host); })) << rig.state();
    }

    KubeRig rig;
    FakeKubeApi api{rig.io};
    RecordingSink& sink = rig.sink;
};

TEST_F(KubernetesSourceTest, FollowsObjects) {
    start();
    ASSERT_TRUE(rig.runUntilWatching());
    runObjectScenario(rig);
    EXPECT_EQ(api.stats().lastUserAgent.rfind("evergate-controller/", 0), 0U);
}

TEST_F(KubernetesSourceTest, SaysNothingBeforeEveryResourceIsListed) {
    putShop();
    api.faults().refusals = {1'000'000, 500, "endpointslices", {}};
    start();
    ASSERT_TRUE(rig.runUntil([&] { return rig.source->status().lists == 3; }));
    rig.runFor(50ms);
    EXPECT_EQ(sink.desiredCalls, 0);
    EXPECT_FALSE(rig.source->status().synced);
    EXPECT_NE(rig.state().find("endpointslices: backing off"), std::string::npos) << rig.state();
    api.faults().refusals.count = 0;
    ASSERT_TRUE(rig.runUntilSynced());
    EXPECT_EQ(sink.desiredCalls, 1);
    EXPECT_EQ(sink.last.fullList, 1U);
    EXPECT_TRUE(sink.hasEndpoint("10.1.0.1"));
}

TEST_F(KubernetesSourceTest, ReadsListsPageByPage) {
    putShop();
    for (int i = 0; i < 23; ++i) {
        api.upsert(ingress("more-" + std::to_string(i), "h" + std::to_string(i) + ".test", "cart"));
    }
    auto options = KubeRig::options(cluster());
    options.tuning.pageLimit = 5;
    rig.start(std::move(options));
    ASSERT_TRUE(rig.runUntilWatching());
    EXPECT_EQ(sink.last.config.count(model::Kind::route), 24U);
    EXPECT_EQ(api.stats().lists, 5U + 3U);
    EXPECT_EQ(sink.desiredCalls, 1);
}

TEST_F(KubernetesSourceTest, RestartsAListWhoseContinueTokenExpired) {
    putShop();
    for (int i = 0; i < 8; ++i) {
        api.upsert(ingress("more-" + std::to_string(i), "h" + std::to_string(i) + ".test", "cart"));
    }
    api.faults().refusals = {3, 410, "continue=", {}};
    auto options = KubeRig::options(cluster());
    options.tuning.pageLimit = 5;
    rig.start(std::move(options));
    ASSERT_TRUE(rig.runUntilWatching());
    EXPECT_EQ(sink.last.config.count(model::Kind::route), 9U);
    EXPECT_EQ(api.faults().refusals.count, 0U);
}

TEST_F(KubernetesSourceTest, ResumesWithoutListingWhenConnectionsDrop) {
    startWatching();
    for (int round = 0; round < 5; ++round) {
        const auto lists = api.stats().lists;
        api.dropConnections();
        const auto host = "drop" + std::to_string(round) + ".test";
        expectNewsFlow(host);
        ASSERT_TRUE(rig.runUntilWatching());
        EXPECT_EQ(api.stats().lists, lists);
    }
    EXPECT_EQ(sink.fewestRoutes, 1U);
}

TEST_F(KubernetesSourceTest, ReopensAWatchTheServerEnds) {
    putShop();
    auto options = KubeRig::options(cluster());
    options.tuning.minWatch = options.tuning.maxWatch = 1s;
    rig.start(std::move(options));
    ASSERT_TRUE(rig.runUntil([&] { return api.stats().watches >= 12; }));
    EXPECT_EQ(api.stats().lists, 4U);
    EXPECT_EQ(rig.source->status().errors, 0U);
    expectNewsFlow("later.test");
}

TEST_F(KubernetesSourceTest, ListsAgainWhenItsVersionIsGone) {
    startWatching();
    for (const bool asStatus : {false, true}) {
        api.faults().goneAsStatus = asStatus;
        const auto lists = api.stats().lists;
        api.goDown();
        const std::string gone = asStatus ? "b" : "a";
        const std::string here = asStatus ? "c" : "b";
        api.upsert(ingress(gone, gone + ".test", "cart"));
        api.upsert(ingress(here, here + ".test", "cart"));
        api.request("DELETE", kIngresses + "/" + gone);
        api.compact();
        api.goUp();
        ASSERT_TRUE(rig.runUntil([&] { return sink.hasHost(here + ".test"); })) << rig.state();
        EXPECT_FALSE(sink.hasHost(gone + ".test"));
        EXPECT_GT(api.stats().lists, lists);
        ASSERT_TRUE(rig.runUntilWatching());
    }
    EXPECT_EQ(sink.fewestRoutes, 1U);
    EXPECT_EQ(sink.last.fullList, 1U);
}

TEST_F(KubernetesSourceTest, KeepsEverythingWhileTheServerIsDown) {
    startWatching();
    const auto calls = sink.desiredCalls;
    api.goDown();
    ASSERT_TRUE(
        rig.runUntil([&] { return rig.state().find("cannot connect") != std::string::npos; }));
    EXPECT_TRUE(rig.source->status().synced);
    EXPECT_EQ(sink.desiredCalls, calls);
    EXPECT_TRUE(sink.hasHost("cart.test"));
    api.goUp();
    expectNewsFlow("back.test");
}

TEST_F(KubernetesSourceTest, ReconnectsWhenAWatchFallsSilent) {
    putShop();
    api.faults().bookmarkEvery = 20ms;
    auto options = KubeRig::options(cluster());
    options.tuning.watchSilence = 1s;
    rig.start(std::move(options));
    ASSERT_TRUE(rig.runUntilWatching());
    api.setWatchesSilent(true);
    api.upsert(ingress("quiet", "quiet.test", "cart"));
    const auto watches = api.stats().watches;
    ASSERT_TRUE(rig.runUntil([&] { return api.stats().watches >= watches + 4; }));
    EXPECT_FALSE(sink.hasHost("quiet.test"));
    api.setWatchesSilent(false);
    EXPECT_TRUE(rig.runUntil([&] { return sink.hasHost("quiet.test"); }));
    EXPECT_EQ(api.stats().lists, 4U);
}

TEST_F(KubernetesSourceTest, ListsAgainWhenAWatchStaysSilent) {
    putShop();
    auto options = KubeRig::options(cluster());
    options.tuning.watchSilence = 50ms;
    api.faults().silentWatches = true;
    rig.start(std::move(options));
    ASSERT_TRUE(rig.runUntilSynced());
    api.upsert(ingress("quiet", "quiet.test", "cart"));
    EXPECT_TRUE(rig.runUntil([&] { return sink.hasHost("quiet.test"); }));
}

TEST_F(KubernetesSourceTest, ResumesFromTheVersionOfABookmark) {
    putShop();
    api.faults().bookmarkEvery = 10ms;
    startWatching();
    // Other resources move on; only bookmarks tell these watches so.
    for (int i = 0; i < 5; ++i) {
        auto secret = json::parse(R"({"kind": "Secret", "metadata": {}})");
        secret["metadata"]["name"] = "s" + std::to_string(i);
        api.upsert(secret);
    }
    rig.runFor(100ms);
    api.compact();
    api.dropConnections();
    expectNewsFlow("on.test");
    ASSERT_TRUE(rig.runUntilWatching());
    EXPECT_EQ(api.stats().lists, 4U);
}

TEST_F(KubernetesSourceTest, DropsHalfAnEvent) {
    startWatching();
    api.sendHalfEvents();
    expectNewsFlow("whole.test");
    EXPECT_EQ(api.stats().lists, 4U);
    EXPECT_TRUE(sink.last.problems.empty());
}

TEST_F(KubernetesSourceTest, TakesSlowBytes) {
    putShop();
    api.faults().slowBytes = 97;
    api.faults().slowPause = 0ms;
    start();
    ASSERT_TRUE(rig.runUntilWatching());
    expectNewsFlow("slow.test");
}

TEST_F(KubernetesSourceTest, WaitsAsLongAsA429Says) {
    startWatching();
    api.faults().refusals = {1, 429, "watch=1", 1};
    const auto dropped = std::chrono::steady_clock::now();
    api.dropConnections();
    ASSERT_TRUE(rig.runUntil([&] { return api.faults().refusals.count == 0; }));
    ASSERT_TRUE(rig.runUntilWatching());
    EXPECT_GE(std::chrono::steady_clock::now() - dropped, 1s);
    EXPECT_EQ(api.stats().lists, 4U);
}

TEST_F(KubernetesSourceTest, GoesOnAfterServerErrors) {
    startWatching();
    api.faults().refusals = {20, 500, "", {}};
    api.dropConnections();
    ASSERT_TRUE(rig.runUntil([&] { return api.faults().refusals.count == 0; }));
    expectNewsFlow("well.test");
    EXPECT_GE(rig.source->status().errors, 20U);
}

TEST_F(KubernetesSourceTest, DoesWithoutForbiddenIngressClasses) {
    putShop();
    api.faults().refusals = {1'000'000, 403, "ingressclasses", {}};
    start();
    ASSERT_TRUE(rig.runUntilSynced());
    EXPECT_TRUE(sink.hasHost("cart.test"));
    EXPECT_NE(rig.state().find("ingressclasses: backing off"), std::string::npos) << rig.state();
    EXPECT_NE(rig.state().find("403"), std::string::npos) << rig.state();
    ASSERT_EQ(sink.last.problems.size(), 1U);
    EXPECT_EQ(sink.last.problems.front().object, "IngressClass");
    api.faults().refusals.count = 0;
    ASSERT_TRUE(rig.runUntil([&] { return sink.last.problems.empty(); }));
}

TEST_F(KubernetesSourceTest, WaitsForPermissionToReadTheRest) {
    putShop();
    api.faults().refusals = {8, 403, "services", {}};
    start();
    ASSERT_TRUE(rig.runUntil([&] { return rig.state().find("403") != std::string::npos; }));
    EXPECT_FALSE(rig.source->status().synced);
    ASSERT_TRUE(rig.runUntilSynced());
}

TEST_F(KubernetesSourceTest, ReadsTheTokenAgainAfterA401) {
    const TemporaryDirectory directory;
    auto config = cluster();
    config.token.file = directory.write("token", "first\n");
    api.faults().token = "first";
    putShop();
    rig.start(KubeRig::options(config));
    ASSERT_TRUE(rig.runUntilWatching());
    api.faults().token = "second";
    api.dropConnections();
    ASSERT_TRUE(rig.runUntil([&] { return rig.state().find("401") != std::string::npos; }));
    directory.write("token", "second\n");
    expectNewsFlow("renewed.test");
    EXPECT_EQ(api.stats().lastAuthorization, "Bearer second");
    EXPECT_EQ(api.stats().lists, 4U);
}

TEST_F(KubernetesSourceTest, KeepsTheLastGoodVersionOfAMalformedObject) {
    startWatching();
    auto broken = service("cart");
    broken["spec"]["ports"] = "none";
    api.upsert(broken);
    api.upsert(ingress("fine", "fine.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return sink.hasHost("fine.test"); }));
    EXPECT_TRUE(sink.hasHost("cart.test"));
    EXPECT_TRUE(sink.hasEndpoint("10.1.0.1"));
    ASSERT_EQ(sink.last.problems.size(), 1U);
    EXPECT_EQ(sink.last.problems.front().object, "Service shop/cart");
    // Nor does a fresh list remove it.
    rig.source->relist();
    ASSERT_TRUE(rig.runUntil([&] { return sink.last.fullList == 2; }));
    EXPECT_TRUE(sink.hasEndpoint("10.1.0.1"));
    api.upsert(service("cart"));
    ASSERT_TRUE(rig.runUntil([&] { return sink.last.problems.empty(); }));
}

TEST_F(KubernetesSourceTest, ListsAgainWhenAsked) {
    startWatching();
    for (std::uint64_t round = 2; round < 5; ++round) {
        const auto calls = sink.desiredCalls;
        rig.source->relist();
        rig.source->relist();
        ASSERT_TRUE(rig.runUntil([&] { return sink.last.fullList == round; })) << rig.state();
        EXPECT_EQ(sink.desiredCalls, calls + 1);
        ASSERT_TRUE(rig.runUntilWatching());
        EXPECT_EQ(api.stats().lists, 4 * round);
    }
    EXPECT_EQ(sink.fewestRoutes, 1U);
}

TEST_F(KubernetesSourceTest, WatchesOneNamespaceWhenTold) {
    putShop();
    auto other = ingress("other", "other.test", "cart");
    other["metadata"]["namespace"] = "elsewhere";
    api.upsert(other);
    auto options = KubeRig::options(cluster());
    options.watchNamespace = "shop";
    rig.start(std::move(options));
    ASSERT_TRUE(rig.runUntilWatching());
    EXPECT_TRUE(sink.hasHost("cart.test"));
    EXPECT_FALSE(sink.hasHost("other.test"));
}

TEST_F(KubernetesSourceTest, IsSilentOnceStopped) {
    startWatching();
    const auto calls = sink.desiredCalls;
    api.upsert(ingress("late", "late.test", "cart"));
    rig.source->stop();
    rig.runFor(50ms);
    EXPECT_EQ(sink.desiredCalls, calls);
    EXPECT_EQ(api.openWatches(), 0U);
    rig.source.reset();
    rig.runFor(20ms);
}

TEST_F(KubernetesSourceTest, EndsAtAnyMoment) {
    putShop();
    for (int turns = 0; turns < 60; ++turns) {
        start();
        rig.io.restart();
        for (int i = 0; i < turns; ++i) {
            rig.io.poll_one();
        }
        rig.source.reset();
    }
    rig.runFor(50ms);
    EXPECT_EQ(api.openWatches(), 0U);
}

TEST_F(KubernetesSourceTest, CopesWithManyObjects) {
    constexpr int kServices = 5000;
    api.upsert(ingressClass());
    for (int i = 0; i < kServices; ++i) {
        const auto name = "s" + std::to_string(i);
        api.upsert(service(name));
        api.upsert(slice(name, name,
                         "10.2." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)));
    }
    for (int i = 0; i < 100; ++i) {
        api.upsert(ingress("i" + std::to_string(i), "h" + std::to_string(i) + ".test",
                           "s" + std::to_string(i)));
    }
    const auto begun = std::chrono::steady_clock::now();
    start();
    ASSERT_TRUE(rig.runUntil([&] { return rig.source->status().synced; }, 60s));
    const auto taken = std::chrono::steady_clock::now() - begun;
    RecordProperty("sync_ms", static_cast<int>(taken / 1ms));
    EXPECT_EQ(sink.last.config.count(model::Kind::route), 100U);
    EXPECT_EQ(rig.source->status().objects, 2U * kServices + 101U);
    ASSERT_TRUE(rig.runUntilWatching());
    const auto calls = sink.desiredCalls;
    for (int i = 0; i < kServices; ++i) {
        const auto name = "s" + std::to_string(i);
        api.upsert(slice(name, name,
                         "10.3." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)));
    }
    ASSERT_TRUE(rig.runUntil([&] { return sink.hasEndpoint("10.3.0.100"); }, 60s));
    EXPECT_EQ(sink.desiredCalls, calls);
}

}  // namespace
}  // namespace evergate::test
