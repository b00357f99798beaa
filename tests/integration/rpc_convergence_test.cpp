// SPDX-License-Identifier: Apache-2.0
// The promise of the RPC: whatever happens to messages, connections and either program, after quiet
// the data plane holds exactly what the controller publishes.
#include <gtest/gtest.h>

#include "tests/integration/rpc_rig.hpp"
#include "tests/support/frame_proxy.hpp"

namespace evergate::test {
namespace {

// One random step: a rebuild, or a change of endpoints alone.
void step(RpcRig& rig, Scenario& scenario) {
    const std::string backend = scenario.anyBackend();
    if (scenario.pick(2) == 0 || backend.empty()) {
        scenario.mutate();
        rig.publish(scenario.config);
    } else {
        const model::Key key = scenario.mutateEndpoints(backend);
        rig.publishEndpoints(scenario.config, key);
    }
}

class Convergence : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(Convergence, HoldsThroughAFaultyProxy) {
    RpcRig rig(GetParam());
    Scenario scenario(GetParam());
    const std::string front = (rig.directory.path() / "front").string();
    FrameProxy proxy(rig.io, front, rig.rpcPath(), GetParam());
    proxy.setFaults({0.02, 0.02, 0.02, 0.1, 10});
    rig.publish(scenario.config);
    rig.startDataplane(front);
    for (int i = 0; i < 400; ++i) {
        step(rig, scenario);
        rig.run(std::chrono::milliseconds(scenario.pick(2)));
    }
    proxy.setFaults({});
    proxy.cut();
    ASSERT_TRUE(rig.converge());
    EXPECT_EQ(scenario.config.root(model::Lane::config),
              rig.link->receiver().config().root(model::Lane::config));
    EXPECT_TRUE(rig.sink.clean);
    EXPECT_EQ(rig.sink.config.root(model::Lane::config), scenario.config.root(model::Lane::config));
    EXPECT_GT(proxy.mistreated(), 0U);
    EXPECT_GT(rig.observer.acks[0] + rig.observer.acks[1], 0);
}

TEST_P(Convergence, HoldsWhenEitherProgramDies) {
    RpcRig rig(GetParam() + 100);
    Scenario scenario(GetParam() + 100);
    const std::string state = rig.directory.path().string();
    rig.publish(scenario.config);
    rig.startDataplane(rig.rpcPath(), state);
    for (int i = 0; i < 300; ++i) {
        step(rig, scenario);
        rig.run(std::chrono::milliseconds(scenario.pick(2)));
        const int fate = scenario.pick(39);
        if (fate == 0) {
            rig.stopDataplane();
            rig.startDataplane(rig.rpcPath(), state);
        } else if (fate == 1) {
            rig.publisher.reset();
            rig.startController();
            rig.publish(scenario.config);
        }
    }
    rig.publish(scenario.config, 2);  // what a first list would delete is confirmed
    ASSERT_TRUE(rig.converge());
    EXPECT_TRUE(rig.sink.clean);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Convergence, ::testing::Range(1U, 9U));

TEST(RpcApplied, EveryVersionIsTimedOnceAndOnlyWhenSomebodyIsThere) {
    RpcRig rig(1);
    Scenario scenario(1);
    scenario.mutate();
    rig.publish(scenario.config);
    rig.startDataplane(rig.rpcPath());
    ASSERT_TRUE(rig.converge());
    EXPECT_EQ(rig.observer.applied[0], 0);  // it was there before the data plane

    std::array<std::uint64_t, 2> before{};
    for (const model::Lane lane : {model::Lane::config, model::Lane::endpoints}) {
        before[CountingObserver::index(lane)] = rig.publisher->state().version(lane);
    }
    for (int i = 0; i < 50; ++i) {
        step(rig, scenario);
        rig.run(std::chrono::milliseconds(scenario.pick(2)));
    }
    ASSERT_TRUE(rig.converge());
    for (const model::Lane lane : {model::Lane::config, model::Lane::endpoints}) {
        const std::size_t i = CountingObserver::index(lane);
        EXPECT_EQ(static_cast<std::uint64_t>(rig.observer.applied[i]),
                  rig.publisher->state().version(lane) - before[i]);
    }
}

TEST(RpcRefusal, KeepsTheOldValueAndRetriesWhenItChanges) {
    RpcRig rig(1);
    Scenario scenario(1);
    for (int i = 0; i < 20; ++i) {
        scenario.mutate();
    }
    rig.publish(scenario.config);
    rig.startDataplane(rig.rpcPath());
    ASSERT_TRUE(rig.converge());

    rig.sink.refused.insert("ns/new");
    model::Config next = scenario.config;
    next.put({model::Kind::backend, "ns/new"}, model::Value{model::Backend{}});
    model::Route route;
    route.listeners = {"http"};
    route.path = "/new";
    route.backend = "ns/new";
    next.put({model::Kind::route, "dependent"}, model::Value{route});
    route.path = "/fine";
    route.backend = scenario.anyBackend();
    next.put({model::Kind::route, "fine"}, model::Value{route});
    rig.publish(next);
    const auto& held = [&]() -> const model::Config& { return rig.link->receiver().config(); };
    ASSERT_TRUE(rig.runUntil([&] {
        return held().find<model::Route>({model::Kind::route, "fine"});
    }));
    EXPECT_EQ(held().find<model::Backend>({model::Kind::backend, "ns/new"}), nullptr);
    EXPECT_EQ(held().find<model::Route>({model::Kind::route, "dependent"}), nullptr);
    EXPECT_EQ(rig.publisher->rejected().size(), 2U);
    EXPECT_FALSE(rig.publisher->converged());

    rig.sink.refused.clear();
    next.put({model::Kind::backend, "ns/new"}, model::Value{model::Backend{.retries = 3}});
    rig.publish(next);
    ASSERT_TRUE(rig.converge());
    EXPECT_TRUE(rig.publisher->rejected().empty());
}

TEST(RpcResume, SaysWhatIsNeededAndNoMore) {
    using controller::ResumeKind;
    RpcRig rig(3);
    Scenario scenario(3);
    for (int i = 0; i < 20; ++i) {
        scenario.mutate();
    }
    rig.publish(scenario.config);
    rig.startDataplane(rig.rpcPath());
    ASSERT_TRUE(rig.converge());
    EXPECT_EQ(rig.observer.resumes[ResumeKind::snapshot], 2);

    // Same controller, small change while away: the ring knows.
    rig.publisher->stop();
    rig.run(std::chrono::milliseconds(5));
    const model::Key key = scenario.mutateEndpoints(scenario.anyBackend());
    rig.publishEndpoints(scenario.config, key);
    std::string error;
    ASSERT_TRUE(rig.publisher->listen(rpc::UnixAddress{rig.rpcPath()}, {}, error)) << error;
    ASSERT_TRUE(rig.converge());
    EXPECT_EQ(rig.observer.resumes[ResumeKind::diff], 1);
    EXPECT_EQ(rig.observer.resumes[ResumeKind::same], 1);

    // Another controller that wants something else: keys and hashes.
    rig.publisher.reset();
    rig.startController();
    scenario.mutate();
    rig.publish(scenario.config);
    ASSERT_TRUE(rig.converge());
    EXPECT_GE(rig.observer.resumes[ResumeKind::keys], 1);
    EXPECT_EQ(rig.observer.resumes[ResumeKind::snapshot], 2);
}

TEST(RpcResume, ANewControllersFirstListMayNotDeleteMostRoutes) {
    RpcRig rig(4);
    Scenario scenario(4);
    for (int i = 0; i < 20; ++i) {
        scenario.mutate();
    }
    rig.publish(scenario.config);
    rig.startDataplane(rig.rpcPath());
    ASSERT_TRUE(rig.converge());
    const std::size_t routes = scenario.config.count(model::Kind::route);
    ASSERT_GT(routes, 2U);

    rig.publisher.reset();
    rig.startController();
    const model::Config nearlyNothing = Scenario(4).config;
    rig.publish(nearlyNothing, 1);
    ASSERT_TRUE(rig.runUntil([&] { return rig.relists == 1; }));
    rig.run(std::chrono::milliseconds(20));
    EXPECT_EQ(rig.link->receiver().config().count(model::Kind::route), routes);
    rig.publish(nearlyNothing, 2);
    ASSERT_TRUE(rig.converge());
    EXPECT_EQ(rig.link->receiver().config().count(model::Kind::route), 0U);
}

TEST(RpcLanes, ASlowConfigurationDoesNotHoldEndpointsBack) {
    RpcRig rig(5);
    Scenario scenario(5);
    for (int i = 0; i < 20; ++i) {
        scenario.mutate();
    }
    rig.publish(scenario.config);
    rig.startDataplane(rig.rpcPath());
    ASSERT_TRUE(rig.converge());
    rig.sink.longestMs = 0;

    struct NeverDone final : dataplane::ConfigSink {
        void applyConfig(std::shared_ptr<const model::Config>, std::uint64_t,
                         std::function<void(std::vector<model::KeyedProblem>)> done) override {
            held = std::move(done);
        }

        void applyEndpoints(const model::Delta&, std::uint64_t,
                            std::function<void()> done) override {
            ++endpointChanges;
            done();
        }

        std::function<void(std::vector<model::KeyedProblem>)> held;
        int endpointChanges = 0;
    } sink;

    rig.stopDataplane();
    dataplane::ControlLinkOptions options{
        rpc::UnixAddress{rig.rpcPath()}, {}, "n", "b", "t", "", [] {
                                              return 0.0; }};
    dataplane::ControlLink link(rig.io, options, sink, quietLogger());
    link.start();
    ASSERT_TRUE(rig.runUntil([&] { return sink.held && sink.endpointChanges == 1; }));
    for (int i = 0; i < 5; ++i) {
        const int before = sink.endpointChanges;
        rig.publishEndpoints(scenario.config, scenario.mutateEndpoints(scenario.anyBackend()));
        ASSERT_TRUE(rig.runUntil([&] { return sink.endpointChanges > before; }));
    }
    sink.held({});
    EXPECT_EQ(link.receiver().config().root(model::Lane::endpoints),
              scenario.config.root(model::Lane::endpoints));
    link.stop();
}

}  // namespace
}  // namespace evergate::test
