// SPDX-License-Identifier: Apache-2.0
// The Marathon source and a Marathon that misbehaves: nothing it answers may wipe the
// configuration, and no master that is dead, silent or without a leader may keep the source from
// the others.
#include "tests/integration/marathon_rig.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {
namespace {

constexpr const char* kWeb = "10.0.0.1:31001";

class Misbehaving {
public:
    explicit Misbehaving(std::size_t masters = 1) : rig(masters) {
        rig.state().putApp(marathonApp("/web", 10000, {marathonTask("w.1", "10.0.0.1", 31001)}),
                           false);
        rig.state().putApp(marathonApp("/calm", 10001, {marathonTask("c.1", "10.0.0.3", 31003)}),
                           false);
    }

    void start() { start(rig.options()); }

    void start(controller::MarathonOptions options) {
        rig.start(std::move(options));
        ASSERT_TRUE(rig.runUntilWatching()) << rig.source->status().state;
    }

    void expectKept(const char* what) {
        EXPECT_EQ(rig.sink.endpoints("web_10000"), kWeb) << what;
        EXPECT_EQ(rig.sink.endpoints("calm_10001"), "10.0.0.3:31003") << what;
        EXPECT_EQ(rig.sink.fewestBackends, 2U) << what;
    }

    // Lists under a fault, then without: kept all the time, and right again.
    void expectSurvives(const char* what) {
        rig.source->relist();
        const auto errors = rig.source->status().errors;
        ASSERT_TRUE(rig.runUntil([&] {
            return rig.source->status().errors >= errors + 2 ||
                   rig.source->status().state.starts_with("holding");
        })) << what;
        expectKept(what);
    }

    MarathonRig rig;
};

TEST(MarathonFailure, GarbageWipesNothing) {
    for (const auto* body : {"", "{", "[]", "null", "{\"apps\":null}", "<html>It works!</html>",
                             "{\"apps\":[{\"id\":\"/web\"", "{\"message\":\"no leader\"}"}) {
        Misbehaving test;
        test.start();
        test.rig.fake.faults().body = body;
        test.expectSurvives(body);
        test.rig.fake.faults().body.reset();
        test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002));
        EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"))
            << body;
    }
}

TEST(MarathonFailure, ATruncatedListWipesNothing) {
    for (const std::size_t bytes : {1U, 50U, 200U}) {
        Misbehaving test;
        test.start();
        test.rig.fake.faults().truncate = bytes;
        test.expectSurvives("truncated");
    }
}

TEST(MarathonFailure, AnEmptyListOfALeaderlessMasterIsNeverBelieved) {
    Misbehaving test;
    auto options = test.rig.options();
    options.tuning.patience = 1ms;
    test.start(std::move(options));
    test.rig.fake.faults().noLeader = true;
    test.rig.fake.faults().leaderlessEmpty = true;
    test.rig.state().wakeStreams();
    ASSERT_TRUE(test.rig.runLists(20));
    test.expectKept("no leader");
    test.rig.fake.faults().noLeader = false;
    test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002));
    EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
}

TEST(MarathonFailure, AnEmptyListAtTheStartIsBelievedFromALeaderOnly) {
    MarathonRig rig;
    rig.fake.faults().noLeader = true;
    rig.fake.faults().leaderlessEmpty = true;
    rig.start();
    ASSERT_TRUE(rig.runLists(5));
    EXPECT_EQ(rig.sink.desiredCalls, 0);
    rig.fake.faults().noLeader = false;
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.desiredCalls > 0; }));
    EXPECT_TRUE(rig.sink.hasListener("http"));
}

TEST(MarathonFailure, AListThatLostEverythingWaits) {
    Misbehaving test;
    auto options = test.rig.options();
    options.tuning.patience = 1h;
    test.start(std::move(options));
    test.rig.fake.faults().emptyList = true;
    test.expectSurvives("empty");
    test.rig.fake.faults().emptyList = false;
    test.rig.fake.faults().noTasks = true;
    test.expectSurvives("no tasks");
}

TEST(MarathonFailure, AListThatLostEverythingIsBelievedInTheEnd) {
    Misbehaving test;
    test.start();
    test.rig.fake.faults().emptyList = true;
    test.rig.source->relist();
    EXPECT_TRUE(test.rig.runUntil([&] { return test.rig.sink.endpoints("web_10000") == "-"; }));
}

TEST(MarathonFailure, AppsThatAreDeletedGoAtOnce) {
    Misbehaving test;
    auto options = test.rig.options();
    options.tuning.patience = 1h;
    test.start(std::move(options));
    for (const auto* id : {"/web", "/calm"}) {
        test.rig.state().setTaskState(id, id[1] == 'w' ? "w.1" : "c.1", "TASK_KILLED");
        test.rig.state().deleteApp(id);
    }
    EXPECT_TRUE(test.rig.runUntil([&] { return test.rig.sink.endpoints("calm_10001") == "-"; }));
}

TEST(MarathonFailure, ASilentStreamIsReplaced) {
    Misbehaving test;
    auto options = test.rig.options();
    options.tuning.heartbeatTimeout = 200ms;
    test.start(std::move(options));
    const auto streams = test.rig.fake.stats().streams;
    test.rig.fake.faults().silentStreams = true;
    test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002));  // unheard
    ASSERT_TRUE(test.rig.runUntil([&] { return test.rig.fake.stats().streams > streams; }));
    EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
}

TEST(MarathonFailure, EventsMissedWhileAwayAreMadeUpFor) {
    Misbehaving test;
    test.start();
    test.rig.state().dropStreams();
    test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002), false);
    EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
}

TEST(MarathonFailure, WithoutAStreamItPolls) {
    Misbehaving test;
    test.rig.fake.faults().closeStreamsAtOnce = true;
    test.rig.start();
    ASSERT_TRUE(test.rig.runUntilEndpoints("web_10000", kWeb));
    test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002), false);
    EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
}

TEST(MarathonFailure, DeadMastersAreSkipped) {
    Misbehaving test(3);
    test.rig.fake.faults().leader = 2;
    test.rig.fake.takeDown(0);
    test.start();
    test.rig.fake.faults().leader = 1;
    test.rig.fake.takeDown(2);
    test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002), false);
    EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
    EXPECT_TRUE(test.rig.runUntil([&] { return test.rig.source->status().state == "watching"; }));
}

TEST(MarathonFailure, AMuteMasterHoldsNobodyUp) {
    Misbehaving test(2);
    auto options = test.rig.options();
    options.tuning.deadlines.head = 100ms;
    test.start(std::move(options));
    test.rig.fake.faults().mute = true;
    test.rig.source->relist();
    const auto errors = test.rig.source->status().errors;
    ASSERT_TRUE(test.rig.runUntil([&] { return test.rig.source->status().errors > errors; }));
    test.expectKept("mute");
    test.rig.fake.faults().mute = false;
    test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002), false);
    test.rig.source->relist();
    EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
}

TEST(MarathonFailure, StandbysLeadToTheLeader) {
    Misbehaving test(2);
    test.rig.fake.faults().leader = 1;
    test.rig.fake.faults().credentials = "user:secret";
    const std::string file = testing::TempDir() + "evergate-marathon-auth";
    {
        std::FILE* out = std::fopen(file.c_str(), "w");
        ASSERT_NE(out, nullptr);
        std::fputs("user:secret\n", out);
        std::fclose(out);
    }
    auto options = test.rig.options();
    options.urls = {test.rig.fake.url(0)};  // the standby only
    options.authFile = file;
    test.start(std::move(options));
    EXPECT_EQ(test.rig.fake.stats().refused, 0U);
    test.rig.state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002));
    EXPECT_TRUE(test.rig.runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
    std::remove(file.c_str());
}

TEST(MarathonFailure, AWrongPasswordIsNamed) {
    Misbehaving test;
    test.rig.fake.faults().credentials = "user:secret";
    test.rig.start();
    ASSERT_TRUE(test.rig.runUntil([&] {
        return test.rig.source->status().state.find("401") != std::string::npos;
    })) << test.rig.source->status().state;
    EXPECT_EQ(test.rig.sink.desiredCalls, 0);
}

TEST(MarathonFailure, WrongOptionsAreNamedAtTheStart) {
    boost::asio::io_context io;
    controller::MarathonOptions options;
    EXPECT_THROW(controller::makeMarathonSource(io, options), std::invalid_argument);
    options.urls = {"ftp://x"};
    EXPECT_THROW(controller::makeMarathonSource(io, options), std::invalid_argument);
    options.urls = {"http://x"};
    options.authFile = "/nonexistent/auth";
    EXPECT_THROW(controller::makeMarathonSource(io, options), std::invalid_argument);
}

TEST(MarathonFailure, EventsThatMakeNoSenseCostAList) {
    Misbehaving test;
    test.start();
    const auto lists = test.rig.fake.stats().lists;
    test.rig.state().sendRaw("event: status_update_event\r\ndata: {\"appId\":\r\n\r\n");
    ASSERT_TRUE(test.rig.runUntil([&] { return test.rig.fake.stats().lists > lists; }));
    test.expectKept("nonsense");
}

}  // namespace
}  // namespace evergate::test
