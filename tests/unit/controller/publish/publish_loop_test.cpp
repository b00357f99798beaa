// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/publish_loop.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

struct Ignore final : PublishObserver {
    void onAck(model::Lane, EventTime::duration) override {}

    void onNack(model::Lane, std::size_t) override {}

    void onResume(model::Lane, ResumeKind) override {}

    void onLinkLost() override {}
};

class PublishLoopTest : public ::testing::Test {
protected:
    bool until(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(100));
        }
        return condition();
    }

    void desire(model::Config config, std::uint64_t fullList = 1) {
        loop.onDesired({std::move(config), {}, fullList}, std::chrono::steady_clock::now());
    }

    std::size_t routes() const { return publisher.state().config().count(model::Kind::route); }

    std::size_t logged(const std::string& text) const {
        std::size_t count = 0;
        const std::string all = log.str();
        for (std::size_t at = 0; (at = all.find(text, at)) != std::string::npos; ++at)
            ++count;
        return count;
    }

    std::ostringstream log;
    process::Logger logger = process::Logging(spdlog::level::info, process::LogFormat::text,
                                              std::make_shared<spdlog::sinks::ostream_sink_mt>(log))
                                 .logger("test");
    boost::asio::io_context io;
    Ignore ignore;
    int relists = 0;
    Publisher publisher{io, "e", logger, ignore, [] {}};
    PublishLoop loop{io, publisher, logger, [this] { ++relists; }};
};

TEST_F(PublishLoopTest, PublishesARebuildAfterItsHoldoff) {
    desire(makeConfig(2));
    EXPECT_FALSE(publisher.state().ready());
    ASSERT_TRUE(until([&] { return publisher.state().ready(); }));
    EXPECT_EQ(routes(), 2U);
    EXPECT_EQ(publisher.revisions().size(), 2U);
}

TEST_F(PublishLoopTest, PublishesEndpointsAtOnce) {
    desire(makeConfig(2));
    ASSERT_TRUE(until([&] { return publisher.state().ready(); }));
    const model::Entry entry = model::makeEntry(endpoints(1234));
    loop.onEndpoints("b0", std::get<model::Endpoints>(endpoints(1234)), {});
    EXPECT_EQ(contentOf(publisher.state().config(), endpointsKey("b0")), Content{entry.hash});
}

TEST_F(PublishLoopTest, LogsHowManyProblemsThereAreWhenTheNumberChanges) {
    const auto desireWith = [&](std::size_t routeCount, std::size_t problems) {
        Desired desired{makeConfig(routeCount), {}, 1};
        for (std::size_t i = 0; i < problems; ++i)
            desired.problems.push_back({"Ingress a/" + std::to_string(i), "spec", "is odd"});
        loop.onDesired(std::move(desired), std::chrono::steady_clock::now());
    };
    desireWith(2, 0);
    ASSERT_TRUE(until([&] { return routes() == 2; }));
    EXPECT_EQ(logged("problems="), 0u) << log.str();
    desireWith(3, 2);
    ASSERT_TRUE(until([&] { return routes() == 3; }));
    EXPECT_EQ(logged("problems=2 before=0: "), 1u) << log.str();
    desireWith(4, 2);
    ASSERT_TRUE(until([&] { return routes() == 4; }));
    EXPECT_EQ(logged("problems="), 1u) << log.str();
    desireWith(4, 0);  // nothing else has changed
    EXPECT_TRUE(until([&] { return logged("problems=0 before=2: ") == 1; })) << log.str();
}

TEST_F(PublishLoopTest, LeavesOutWhatIsWrongAndSaysSo) {
    model::Config config = makeConfig(2);
    config.put(routeKey("dangling"), route("/x", "nowhere"));
    desire(config);
    ASSERT_TRUE(until([&] { return publisher.state().ready(); }));
    EXPECT_EQ(routes(), 2U);
    ASSERT_EQ(loop.problems().size(), 1U);
    EXPECT_EQ(loop.problems()[0].object, "route/dangling");

    loop.onEndpoints("b0", model::Endpoints{{{"not an address", 1, 1}}}, {});
    EXPECT_EQ(loop.problems().size(), 2U);
    EXPECT_EQ(contentOf(publisher.state().config(), endpointsKey("b0")),
              contentOf(config, endpointsKey("b0")));
    loop.onEndpoints("b0", std::get<model::Endpoints>(endpoints(1)), {});
    EXPECT_EQ(loop.problems().size(), 1U);
}

TEST_F(PublishLoopTest, AsksForASecondListBeforeMostRoutesGo) {
    desire(makeConfig(4));
    ASSERT_TRUE(until([&] { return publisher.state().ready(); }));
    desire(makeConfig(1));
    ASSERT_TRUE(until([&] { return relists == 1; }));
    EXPECT_TRUE(loop.holding());
    EXPECT_EQ(routes(), 4U);
    desire(makeConfig(1), 2);
    ASSERT_TRUE(until([&] { return routes() == 1; }));
    EXPECT_FALSE(loop.holding());
}

TEST_F(PublishLoopTest, NothingIsAcknowledgedWithoutADataPlane) {
    loop.onDesired({makeConfig(2), {}, 1, 7}, std::chrono::steady_clock::now());
    ASSERT_TRUE(until([&] { return publisher.state().ready(); }));
    EXPECT_EQ(loop.acknowledgedSerial(), 0U);
    EXPECT_FALSE(publisher.acknowledged({0, 0}));
}

TEST_F(PublishLoopTest, TellsProblemsOfObjectsAndOfKeysApart) {
    model::Config config = makeConfig(2);
    config.put(routeKey("dangling"), route("/x", "nowhere"));
    loop.onDesired({config, {{"Ingress a/b", "spec", "is wrong"}}, 1}, {});
    ASSERT_TRUE(until([&] { return publisher.state().ready(); }));
    ASSERT_EQ(loop.sourceProblems().size(), 1U);
    EXPECT_EQ(loop.sourceProblems()[0].object, "Ingress a/b");
    ASSERT_EQ(loop.keyProblems().size(), 1U);
    EXPECT_EQ(loop.keyProblems()[0].key, routeKey("dangling"));
    EXPECT_EQ(loop.problems().size(), 2U);
}

}  // namespace
}  // namespace evergate::controller
