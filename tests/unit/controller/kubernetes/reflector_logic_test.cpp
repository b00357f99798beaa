// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/reflector_logic.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ReflectorLogicTest : public ::testing::Test {
protected:
    // Brings the logic to a watch from version 100.
    void toWatch() { logic_.onPage("100", ""); }

    NextStep fail(unsigned status, std::string text = "x") {
        return logic_.onFailure({status, {}, std::move(text)});
    }

    ReflectorLogic logic_{7};
};

TEST_F(ReflectorLogicTest, ListsPageByPageThenWatches) {
    auto step = logic_.start();
    EXPECT_EQ(step.request, NextRequest::firstPage);
    EXPECT_EQ(step.delay, milliseconds(0));
    step = logic_.onPage("100", "more");
    EXPECT_EQ(step.request, NextRequest::nextPage);
    EXPECT_FALSE(step.commit);
    EXPECT_EQ(logic_.continueToken(), "more");
    step = logic_.onPage("100", "");
    EXPECT_EQ(step.request, NextRequest::watch);
    EXPECT_TRUE(step.commit);
    EXPECT_EQ(logic_.resourceVersion(), "100");
}

TEST_F(ReflectorLogicTest, ResumesAClosedWatchFromTheLastVersionSeen) {
    toWatch();
    logic_.onEvent("105");
    logic_.onEvent("");
    const auto step = logic_.onWatchEnd(seconds(300));
    EXPECT_EQ(step.request, NextRequest::watch);
    EXPECT_EQ(logic_.resourceVersion(), "105");
    EXPECT_FALSE(step.commit || step.discard);
    EXPECT_GE(step.delay, milliseconds(10));
    EXPECT_LE(step.delay, milliseconds(50));
}

TEST_F(ReflectorLogicTest, RetriesTheFirstLossAlmostAtOnceThenBacksOffToTheCap) {
    toWatch();
    auto step = fail(0, "connection refused");
    EXPECT_LE(step.delay, milliseconds(50));
    milliseconds previousHigh{0};
    for (int i = 0; i < 12; ++i) {
        step = fail(0, "connection refused");
        EXPECT_EQ(step.request, NextRequest::watch);
        EXPECT_GE(step.delay, previousHigh / 2);
        EXPECT_LE(step.delay, seconds(30));
        previousHigh = step.delay;
    }
    EXPECT_GE(step.delay, seconds(15));
    EXPECT_EQ(step.state.substr(0, 12), "backing off ");
    EXPECT_NE(step.state.find(": connection refused"), std::string::npos);
    logic_.onEvent("101");
    EXPECT_LE(fail(0).delay, milliseconds(50));
}

TEST_F(ReflectorLogicTest, SlowsDownWhenWatchesEndAtOnce) {
    toWatch();
    NextStep step;
    for (int i = 0; i < 8; ++i) {
        step = logic_.onWatchEnd(milliseconds(3));
    }
    EXPECT_GE(step.delay, seconds(3));
    step = logic_.onWatchEnd(kHealthyWatch);
    EXPECT_LE(step.delay, milliseconds(50));
}

TEST_F(ReflectorLogicTest, ListsAgainWhenTheVersionIsGone) {
    toWatch();
    for (const bool byEvent : {false, true}) {
        const auto step =
            byEvent ? logic_.onErrorEvent({410, "Expired", "too old", {}}) : fail(410);
        EXPECT_EQ(step.request, NextRequest::firstPage);
        EXPECT_TRUE(step.discard);
        EXPECT_FALSE(step.commit);
        EXPECT_EQ(step.delay, milliseconds(0));
        EXPECT_EQ(step.state, "relisting: 410 Gone");
        toWatch();
        logic_.onEvent("101");
    }
}

TEST_F(ReflectorLogicTest, BoundsTheRateOfListsWhenTheVersionIsGoneAgainAndAgain) {
    toWatch();
    NextStep step;
    for (int i = 0; i < 8; ++i) {
        step = fail(410);
        toWatch();
    }
    EXPECT_GE(step.delay, seconds(3));
}

TEST_F(ReflectorLogicTest, RestartsTheListWhenAContinueTokenExpires) {
    logic_.onPage("100", "more");
    const auto step = fail(410);
    EXPECT_EQ(step.request, NextRequest::firstPage);
    EXPECT_TRUE(step.discard);
    EXPECT_EQ(logic_.continueToken(), "");
}

TEST_F(ReflectorLogicTest, RetriesTheSamePageAfterAServerError) {
    logic_.onPage("100", "more");
    const auto step = fail(500);
    EXPECT_EQ(step.request, NextRequest::nextPage);
    EXPECT_FALSE(step.discard);
    EXPECT_EQ(logic_.continueToken(), "more");
}

TEST_F(ReflectorLogicTest, ListsAgainWhenTheRequestItselfIsRefused) {
    toWatch();
    auto step = fail(400);
    EXPECT_EQ(step.request, NextRequest::firstPage);
    logic_.onPage("100", "bad");
    step = fail(422);
    EXPECT_EQ(step.request, NextRequest::firstPage);
    EXPECT_TRUE(step.discard);
}

TEST_F(ReflectorLogicTest, ReadsTheTokenAgainAfter401) {
    toWatch();
    auto step = fail(401, "401 Unauthorized");
    EXPECT_TRUE(step.reloadToken);
    EXPECT_EQ(step.request, NextRequest::watch);
    EXPECT_NE(step.state.find(": 401 Unauthorized"), std::string::npos);
    step = fail(403, "Forbidden");
    EXPECT_FALSE(step.reloadToken);
    EXPECT_NE(step.state.find(": 403 Forbidden"), std::string::npos);
}

TEST_F(ReflectorLogicTest, WaitsAsLongAsTheServerAsks) {
    toWatch();
    for (const auto status : {429U, 503U}) {
        const auto step = logic_.onFailure({status, seconds(7), "slow down"});
        EXPECT_GE(step.delay, seconds(7));
        EXPECT_LE(step.delay, milliseconds(7700));
        EXPECT_EQ(step.request, NextRequest::watch);
    }
}

TEST_F(ReflectorLogicTest, ListsAgainWhenTheServerKeepsComplainingAboutAVersion) {
    toWatch();
    const ApiStatus internal{500, "InternalError", "etcd", {}};
    EXPECT_EQ(logic_.onErrorEvent(internal).request, NextRequest::watch);
    EXPECT_EQ(logic_.onBrokenWatch("no event").request, NextRequest::watch);
    EXPECT_EQ(logic_.onErrorEvent(internal).request, NextRequest::firstPage);
    toWatch();
    EXPECT_EQ(logic_.onErrorEvent(internal).request, NextRequest::watch);
    logic_.onEvent("102");
    EXPECT_EQ(logic_.onErrorEvent(internal).request, NextRequest::watch);
    EXPECT_EQ(logic_.onErrorEvent(internal).request, NextRequest::watch);
}

TEST_F(ReflectorLogicTest, ListsAgainWhenWatchesStaySilent) {
    toWatch();
    EXPECT_EQ(logic_.onSilentWatch().request, NextRequest::watch);
    EXPECT_TRUE(logic_.onEvent("101"));
    EXPECT_EQ(logic_.onSilentWatch().request, NextRequest::watch);
    EXPECT_EQ(logic_.onSilentWatch().request, NextRequest::firstPage);
}

TEST_F(ReflectorLogicTest, NoticesAHistoryThatWentBack) {
    toWatch();
    EXPECT_TRUE(logic_.onEvent("100"));
    EXPECT_TRUE(logic_.onEvent("opaque"));
    EXPECT_TRUE(logic_.onEvent("1000"));
    EXPECT_FALSE(logic_.onEvent("999"));
    EXPECT_EQ(logic_.resourceVersion(), "1000");
    const auto step = logic_.onHistoryReset();
    EXPECT_EQ(step.request, NextRequest::firstPage);
    EXPECT_TRUE(step.discard);
}

TEST_F(ReflectorLogicTest, ListsAgainWhenAsked) {
    toWatch();
    logic_.requestRelist();
    auto step = logic_.onInterrupted();
    EXPECT_EQ(step.request, NextRequest::firstPage);
    EXPECT_FALSE(logic_.relistWanted());
    // Asked while a list is under way: that one is used, and another follows.
    logic_.requestRelist();
    step = logic_.onPage("110", "");
    EXPECT_TRUE(step.commit);
    EXPECT_EQ(step.request, NextRequest::firstPage);
    step = logic_.onPage("111", "");
    EXPECT_EQ(step.request, NextRequest::watch);
}

TEST_F(ReflectorLogicTest, DoesNotWatchFromAListWithoutVersion) {
    const auto step = logic_.onPage("", "");
    EXPECT_EQ(step.request, NextRequest::firstPage);
    EXPECT_FALSE(step.commit);
    EXPECT_GT(step.delay, milliseconds(0));
}

TEST(ReflectorText, ShowsDurations) {
    EXPECT_EQ(toText(milliseconds(40)), "40ms");
    EXPECT_EQ(toText(milliseconds(1290)), "1.2s");
}

}  // namespace
}  // namespace evergate::controller::kubernetes
