// SPDX-License-Identifier: Apache-2.0
// The Marathon source against the fake Marathon: what it says as apps and tasks come and go.
#include "tests/integration/marathon_rig.hpp"

namespace evergate::test {
namespace {

class MarathonSourceTest : public testing::Test {
protected:
    void startWithWeb() {
        rig.state().putApp(marathonApp("/web", 10000,
                                       {marathonTask("w.1", "10.0.0.1", 31001),
                                        marathonTask("w.2", "10.0.0.2", 31002)},
                                       {{"HAPROXY_0_VHOST", "web.test"}}),
                           false);
        rig.state().putApp(marathonApp("/calm", 10001, {marathonTask("c.1", "10.0.0.3", 31003)}),
                           false);
        rig.start();
        ASSERT_TRUE(rig.runUntilWatching());
    }

    MarathonRig rig;
    MarathonSink& sink = rig.sink;
};

TEST_F(MarathonSourceTest, SaysNothingBeforeTheFirstWholeList) {
    rig.fake.faults().status = 503;
    rig.start();
    ASSERT_TRUE(rig.runUntil([this] { return rig.source->status().errors >= 3; }));
    EXPECT_EQ(sink.desiredCalls, 0);
    EXPECT_FALSE(rig.source->status().synced);
    rig.state().putApp(marathonApp("/web", 10000), false);
    rig.fake.faults().status = 0;
    ASSERT_TRUE(rig.runUntil([this] { return sink.hasListener("port/10000"); }));
    EXPECT_TRUE(rig.source->status().synced);
    EXPECT_EQ(sink.last.fullList, 1U);
}

TEST_F(MarathonSourceTest, AsksForEventsTheWayJettyWantsIt) {
    startWithWeb();
    EXPECT_EQ(rig.fake.stats().lastAccept, "text/event-stream");
    EXPECT_EQ(sink.endpoints("web_10000"), "10.0.0.1:31001 10.0.0.2:31002");
    EXPECT_TRUE(sink.hasListener("port/10001"));
    EXPECT_TRUE(sink.last.problems.empty());
    EXPECT_EQ(rig.source->status().objects, 2U);
}

TEST_F(MarathonSourceTest, OpensAndClosesServicePorts) {
    startWithWeb();
    rig.state().putApp(marathonApp("/new", 10002));
    ASSERT_TRUE(rig.runUntil([this] { return sink.hasListener("port/10002"); }));
    auto moved = marathonApp("/new", 10002, {}, {{"HAPROXY_0_PORT", "10003"}});
    rig.state().putApp(moved);
    ASSERT_TRUE(rig.runUntil([this] { return sink.hasListener("port/10003"); }));
    EXPECT_FALSE(sink.hasListener("port/10002"));
    rig.state().deleteApp("/new");
    ASSERT_TRUE(rig.runUntil([this] { return !sink.hasListener("port/10003"); }));
    EXPECT_TRUE(sink.hasListener("port/10000"));
}

TEST_F(MarathonSourceTest, AddsATaskOnTheEndpointLane) {
    startWithWeb();
    const auto desired = sink.desiredCalls;
    const auto lists = rig.fake.stats().lists;
    rig.state().putTask("/web", marathonTask("w.3", "10.0.0.4", 31004));
    ASSERT_TRUE(rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002 10.0.0.4:31004"));
    EXPECT_EQ(sink.desiredCalls, desired);
    EXPECT_EQ(rig.fake.stats().lists, lists) << "one app is read, not all";
}

TEST_F(MarathonSourceTest, RemovesATaskThatIsKilledBeforeAskingAnything) {
    startWithWeb();
    rig.fake.faults().mute = true;  // no answer will ever come
    rig.state().setTaskState("/web", "w.1", "TASK_KILLING");
    ASSERT_TRUE(rig.runUntilEndpoints("web_10000", "10.0.0.2:31002"));
}

TEST_F(MarathonSourceTest, IsNotMisledByAnAnswerFromBefore) {
    startWithWeb();
    // Only told: answers go on showing the task as running.
    rig.state().sendEvent({{"eventType", "status_update_event"},
                           {"appId", "/web"},
                           {"taskId", "w.1"},
                           {"taskStatus", "TASK_KILLING"}});
    ASSERT_TRUE(rig.runUntilEndpoints("web_10000", "10.0.0.2:31002"));
    rig.state().sendEvent({{"eventType", "deployment_success"}});
    ASSERT_TRUE(rig.runTaken(1));
    EXPECT_EQ(sink.endpoints("web_10000"), "10.0.0.2:31002");
}

TEST_F(MarathonSourceTest, FollowsHealth) {
    auto app = marathonApp("/web", 10000, {marathonTask("w.1", "10.0.0.1", 31001)});
    app["healthChecks"] = {{{"protocol", "HTTP"}, {"portIndex", 0}}};
    rig.state().putApp(app, false);
    rig.start();
    ASSERT_TRUE(rig.runUntilEndpoints("web_10000", "")) << "not known to be good yet";
    rig.state().setHealth("/web", "w.1", true);
    ASSERT_TRUE(rig.runUntilEndpoints("web_10000", "10.0.0.1:31001"));
    // A new leader knows no results.
    rig.fake.faults().noHealth = true;
    rig.state().dropStreams();
    ASSERT_TRUE(rig.runTaken(1));
    EXPECT_EQ(sink.endpoints("web_10000"), "10.0.0.1:31001");
    rig.fake.faults().noHealth = false;
    rig.state().setHealth("/web", "w.1", false);
    ASSERT_TRUE(rig.runUntilEndpoints("web_10000", ""));
}

TEST_F(MarathonSourceTest, ListsAgainWhenAsked) {
    startWithWeb();
    const auto list = sink.last.fullList;
    rig.source->relist();
    ASSERT_TRUE(rig.runUntil([&] { return sink.last.fullList > list; }));
}

TEST_F(MarathonSourceTest, CostsOneAppItsOwnMistakeOnly) {
    startWithWeb();
    auto broken = marathonApp("/calm", 10001);
    broken["portDefinitions"] = "none";
    rig.state().putApp(broken);
    ASSERT_TRUE(rig.runUntil([this] { return !sink.last.problems.empty(); }));
    EXPECT_EQ(sink.last.problems[0].object, "App /calm");
    EXPECT_EQ(sink.endpoints("calm_10001"), "10.0.0.3:31003") << "as it was";
    EXPECT_EQ(sink.endpoints("web_10000"), "10.0.0.1:31001 10.0.0.2:31002");
}

TEST_F(MarathonSourceTest, ResolvesNamesOfAgents) {
    rig.state().putApp(marathonApp("/web", 10000, {marathonTask("w.1", "localhost", 31001)}),
                       false);
    rig.start();
    ASSERT_TRUE(rig.runUntil([this] { return sink.desiredCalls > 0; }));
    EXPECT_EQ(sink.endpoints("web_10000"), "127.0.0.1:31001");
}

TEST_F(MarathonSourceTest, StopsInTheMiddleOfEverything) {
    startWithWeb();
    rig.fake.faults().mute = true;
    rig.source->relist();
    const auto calls = sink.desiredCalls;
    rig.source->stop();
    rig.source.reset();
    rig.state().putTask("/web", marathonTask("w.9", "10.0.0.9", 31009));
    rig.io.restart();
    rig.io.poll();
    EXPECT_EQ(sink.desiredCalls, calls);
}

}  // namespace
}  // namespace evergate::test
