// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/event_ledger.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::writeback {
namespace {

using namespace std::chrono_literals;
using Action = EventWrite::Action;

class EventLedgerTest : public ::testing::Test {
protected:
    static EventFact fact(const std::string& name, const std::string& message = "wrong") {
        return {
            {ResourceKind::ingress, {"shop", name}}, "uid-" + name, true, "InvalidField", message};
    }

    static EventFact happening(const std::string& name) {
        auto made = fact(name, "done");
        made.warning = false;
        return made;
    }

    // Writes all that is due; how many.
    int writeAll() {
        int count = 0;
        while (auto write = ledger.next(now)) {
            last = *write;
            ledger.onWritten(*write, now);
            ++count;
        }
        return count;
    }

    EventLedger::Time now{10'000s};
    EventLedger ledger;
    std::optional<EventWrite> last;
};

TEST_F(EventLedgerTest, WritesALastingFactOnce) {
    ledger.observe({fact("a"), fact("b")}, now);
    EXPECT_EQ(writeAll(), 2);
    for (int i = 0; i < 100; ++i) {
        now += 1s;
        ledger.observe({fact("a"), fact("b")}, now);
        EXPECT_EQ(writeAll(), 0);
    }
}

TEST_F(EventLedgerTest, RefreshesWhatLastsBeforeTheServerForgets) {
    ledger.observe({fact("a")}, now);
    EXPECT_EQ(writeAll(), 1);
    EXPECT_EQ(ledger.due(), now + 30min);
    now += 30min;
    EXPECT_EQ(writeAll(), 1);
    EXPECT_EQ(last->action, Action::repeat);
    EXPECT_EQ(last->count, 2);
}

TEST_F(EventLedgerTest, SaysNothingOfWhatIsOver) {
    ledger.observe({fact("a")}, now);
    ledger.observe({}, now);
    EXPECT_FALSE(ledger.next(now));
    ledger.observe({fact("a")}, now);
    EXPECT_EQ(writeAll(), 1);
    ledger.observe({}, now);
    EXPECT_FALSE(ledger.due());
}

TEST_F(EventLedgerTest, CountsWhatComesAndGoesOnceAMinute) {
    ledger.observe({fact("a")}, now);
    EXPECT_EQ(writeAll(), 1);
    int writes = 0;
    for (int i = 0; i < 600; ++i) {
        now += 1s;
        ledger.observe(i % 2 == 0 ? std::vector<EventFact>{} : std::vector{fact("a")}, now);
        writes += writeAll();
    }
    EXPECT_GE(writes, 8);
    EXPECT_LE(writes, 10);
    EXPECT_EQ(last->action, Action::repeat);
    EXPECT_EQ(last->count, writes + 1);
}

TEST_F(EventLedgerTest, BoundsWhatOneObjectCauses) {
    std::vector<EventFact> facts;
    for (int i = 0; i < 100; ++i) {
        facts.push_back(fact("a", "wrong " + std::to_string(i)));
    }
    std::sort(facts.begin(), facts.end());
    ledger.observe(facts, now);
    EXPECT_EQ(writeAll(), 25);
    EXPECT_EQ(ledger.due(), now + 5s);
    ledger.observe({fact("b")}, now);
    EXPECT_EQ(writeAll(), 1) << "another object does not wait for it";
    ledger.observe(facts, now);
    now += 5s;
    EXPECT_EQ(writeAll(), 1);
}

TEST_F(EventLedgerTest, BoundsThemAllTogether) {
    std::vector<EventFact> facts;
    for (int i = 1000; i < 2000; ++i) {
        facts.push_back(fact("a" + std::to_string(i)));
    }
    ledger.observe(facts, now);
    EXPECT_EQ(writeAll(), 100);
    now += 1s;
    EXPECT_EQ(writeAll(), 10);
}

TEST_F(EventLedgerTest, ForgetsNothingOverItsBoundButCountsIt) {
    EventTuning tuning;
    tuning.maxFacts = 2;
    EventLedger small(tuning);
    small.observe({fact("a"), fact("b"), fact("c")}, now);
    EXPECT_EQ(small.dropped(), 1U);
}

TEST_F(EventLedgerTest, AdoptsAnEventThatAnotherControllerWroteLately) {
    ledger.observe({fact("a")}, now);
    auto write = ledger.next(now);
    ASSERT_EQ(write->action, Action::create);
    ledger.onExists(*write, now);
    write = ledger.next(now);
    ASSERT_EQ(write->action, Action::read);
    ledger.onRead(*write, {3, 1'000'000 - 60}, 1'000'000, now);
    EXPECT_FALSE(ledger.next(now));
    EXPECT_EQ(ledger.due(), now - 60s + 30min);
    now += 30min;
    write = ledger.next(now);
    EXPECT_EQ(write->action, Action::repeat);
    EXPECT_EQ(write->count, 4);
}

TEST_F(EventLedgerTest, CountsOnFromAnOldEvent) {
    ledger.observe({fact("a")}, now);
    ledger.onExists(*ledger.next(now), now);
    ledger.onRead(*ledger.next(now), {3, 1'000'000 - 3000}, 1'000'000, now);
    EXPECT_EQ(writeAll(), 1);
    EXPECT_EQ(last->action, Action::repeat);
    EXPECT_EQ(last->count, 4);
}

TEST_F(EventLedgerTest, WhatHappensNowIsCountedHoweverFreshTheOldEvent) {
    ledger.announce(happening("a"), now);
    ledger.onExists(*ledger.next(now), now);
    ledger.onRead(*ledger.next(now), {3, 1'000'000}, 1'000'000, now);
    EXPECT_EQ(writeAll(), 1);
    EXPECT_EQ(last->count, 4);
}

TEST_F(EventLedgerTest, ToldEventsAreNotRefreshed) {
    ledger.announce(happening("a"), now);
    ledger.observe({}, now);
    EXPECT_EQ(writeAll(), 1);
    EXPECT_FALSE(ledger.due());
    now += 10s;
    ledger.announce(happening("a"), now);
    EXPECT_EQ(writeAll(), 0);
    now += 50s;
    EXPECT_EQ(writeAll(), 1);
    EXPECT_EQ(last->action, Action::repeat);
}

TEST_F(EventLedgerTest, MakesAnEventAgainThatTheServerForgot) {
    ledger.observe({fact("a")}, now);
    EXPECT_EQ(writeAll(), 1);
    now += 30min;
    const auto write = ledger.next(now);
    ASSERT_EQ(write->action, Action::repeat);
    ledger.onMissing(*write, now);
    EXPECT_EQ(writeAll(), 1);
    EXPECT_EQ(last->action, Action::create);
}

TEST_F(EventLedgerTest, TriesAgainLaterEachTime) {
    ledger.observe({fact("a")}, now);
    for (const auto delay : {1s, 2s, 4s, 8s}) {
        ledger.onFailed(*ledger.next(now), now);
        EXPECT_EQ(ledger.due(), now + delay);
        EXPECT_FALSE(ledger.next(now));
        now += delay;
    }
    EXPECT_EQ(writeAll(), 1);
}

TEST_F(EventLedgerTest, DoesNotInsist) {
    ledger.observe({fact("a")}, now);
    ledger.onRefused(*ledger.next(now));
    EXPECT_FALSE(ledger.due());
    ledger.observe({fact("a")}, now);
    EXPECT_FALSE(ledger.due());
}

TEST_F(EventLedgerTest, DropsWhatIsLongOver) {
    EventTuning tuning;
    tuning.maxFacts = 1;
    EventLedger small(tuning);
    small.observe({fact("a")}, now);
    small.onWritten(*small.next(now), now);
    small.observe({}, now);
    now += 61min;
    small.observe({}, now);
    small.observe({fact("b")}, now);
    EXPECT_EQ(small.dropped(), 0U);
    EXPECT_TRUE(small.next(now));
}

TEST_F(EventLedgerTest, AnOutcomeOfSomethingForgottenIsIgnored) {
    ledger.observe({fact("a")}, now);
    const auto write = *ledger.next(now);
    ledger.forget();
    ledger.onWritten(write, now);
    ledger.onExists(write, now);
    ledger.onMissing(write, now);
    ledger.onRead(write, {}, 0, now);
    ledger.onFailed(write, now);
    ledger.onRefused(write);
    EXPECT_FALSE(ledger.due());
}

}  // namespace
}  // namespace evergate::controller::writeback
