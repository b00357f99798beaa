// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace evergate::net {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

struct TestTimer : Timer {
    void onTimer() override {
        ++fired;
        if (action)
            action();
    }

    std::function<void()> action;
    int fired = 0;
};

class WheelTest : public testing::Test {
protected:
    void advanceTo(Milliseconds at) {
        for (; now < at; now += 10ms)
            wheel.advance(start + now);
        wheel.advance(start + at);
        now = at;
    }

    const TimerWheel::TimePoint start{1h};
    Milliseconds now{0};
    TimerWheel wheel{start};
    TestTimer timer;
};

TEST_F(WheelTest, FiresOnceNotEarlyAndSoonAfter) {
    wheel.arm(timer, 500ms);
    EXPECT_TRUE(timer.armed());
    advanceTo(499ms);
    EXPECT_EQ(timer.fired, 0);
    advanceTo(700ms);
    EXPECT_EQ(timer.fired, 1);
    EXPECT_FALSE(timer.armed());
    EXPECT_TRUE(wheel.empty());
    advanceTo(300s);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, NeverFiresEarlyWhateverTheMoment) {
    for (int offset = 0; offset < 100; offset += 7) {
        now += Milliseconds(1000 + offset);
        wheel.advance(start + now);
        const Milliseconds armed = now;
        wheel.arm(timer, 250ms);
        const int before = timer.fired;
        while (timer.fired == before) {
            now += 1ms;
            wheel.advance(start + now);
        }
        EXPECT_GE(now - armed, 250ms);
        EXPECT_LE(now - armed, 450ms);
    }
}

TEST_F(WheelTest, ArmsFromTheTimeLastTold) {
    wheel.setNow(start + 10s);  // the loop was late: nothing was advanced
    wheel.arm(timer, 300ms);
    wheel.advance(start + 10'200ms);
    EXPECT_EQ(timer.fired, 0);
    wheel.advance(start + 10'500ms);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, PuttingOffMovesTheDeadline) {
    wheel.arm(timer, 1s);
    for (int i = 0; i < 50; ++i) {
        advanceTo(now + 900ms);
        EXPECT_EQ(timer.fired, 0);
        wheel.arm(timer, 1s);
    }
    advanceTo(now + 1200ms);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, BringingForwardMovesTheDeadline) {
    wheel.arm(timer, 60s);
    wheel.arm(timer, 200ms);
    advanceTo(400ms);
    EXPECT_EQ(timer.fired, 1);
    advanceTo(70s);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, DisarmedDoesNotFire) {
    wheel.arm(timer, 200ms);
    wheel.disarm(timer);
    EXPECT_FALSE(timer.armed());
    EXPECT_TRUE(wheel.empty());
    advanceTo(1s);
    EXPECT_EQ(timer.fired, 0);
    wheel.disarm(timer);
    wheel.arm(timer, 200ms);
    EXPECT_FALSE(wheel.empty());
    advanceTo(1400ms);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, RearmedAfterDisarmInTheSameBucket) {
    wheel.arm(timer, 10s);
    wheel.disarm(timer);
    wheel.arm(timer, 300ms);
    advanceTo(500ms);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, DeadlinesBeyondOneRevolution) {
    wheel.arm(timer, 1h);
    advanceTo(1h - 1ms);
    EXPECT_EQ(timer.fired, 0);
    advanceTo(1h + 200ms);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, HugeAndNegativeDelays) {
    wheel.arm(timer, Milliseconds::max());
    EXPECT_TRUE(timer.armed());
    advanceTo(300s);
    EXPECT_EQ(timer.fired, 0);
    wheel.arm(timer, -5s);
    advanceTo(now + 200ms);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, JumpFiresAllThatIsDueAndNothingElse) {
    TestTimer later;
    TestTimer muchLater;
    wheel.arm(timer, 1s);
    wheel.arm(later, 150s);
    wheel.arm(muchLater, 10'000s);
    wheel.advance(start + 5'000s);
    EXPECT_EQ(timer.fired, 1);
    EXPECT_EQ(later.fired, 1);
    EXPECT_EQ(muchLater.fired, 0);
    wheel.advance(start + 10'001s);
    EXPECT_EQ(muchLater.fired, 1);
}

TEST_F(WheelTest, TimeGoingBackIsIgnored) {
    wheel.arm(timer, 1s);
    advanceTo(900ms);
    wheel.advance(start - 5s);
    wheel.advance(start);
    EXPECT_EQ(timer.fired, 0);
    advanceTo(1200ms);
    EXPECT_EQ(timer.fired, 1);
}

TEST_F(WheelTest, DestroyedTimerIsForgotten) {
    auto gone = std::make_unique<TestTimer>();
    wheel.arm(*gone, 200ms);
    gone.reset();
    EXPECT_TRUE(wheel.empty());
    advanceTo(1s);
}

TEST_F(WheelTest, OnTimerMayRearmItself) {
    timer.action = [this] { wheel.arm(timer, 0ms); };
    wheel.arm(timer, 100ms);
    wheel.advance(start + 1s);
    EXPECT_EQ(timer.fired, 1);  // once per advance at most
    wheel.advance(start + 2s);
    EXPECT_EQ(timer.fired, 2);
}

TEST_F(WheelTest, OnTimerMayDestroyTimersOfTheSameBucket) {
    struct Destroyer : Timer {
        Destroyer(std::vector<std::unique_ptr<Destroyer>>& timers, int& count)
            : all(timers), fired(count) {}

        void onTimer() override {
            ++fired;
            all.clear();  // itself included
        }

        std::vector<std::unique_ptr<Destroyer>>& all;
        int& fired;
    };

    std::vector<std::unique_ptr<Destroyer>> timers;
    int fired = 0;
    for (int i = 0; i < 10; ++i) {
        timers.push_back(std::make_unique<Destroyer>(timers, fired));
        wheel.arm(*timers.back(), 300ms);
    }
    advanceTo(500ms);
    EXPECT_EQ(fired, 1);
    EXPECT_TRUE(wheel.empty());
}

TEST_F(WheelTest, OnTimerMayDisarmAndPutOffOthers) {
    TestTimer first;
    TestTimer second;
    TestTimer third;
    first.action = [&] {
        wheel.disarm(second);
        wheel.arm(third, 1s);
    };
    wheel.arm(first, 300ms);
    wheel.arm(second, 300ms);
    wheel.arm(third, 300ms);
    advanceTo(600ms);
    EXPECT_EQ(second.fired, 0);
    EXPECT_EQ(third.fired, 0);
    advanceTo(1700ms);
    EXPECT_EQ(second.fired, 0);
    EXPECT_EQ(third.fired, 1);
}

TEST_F(WheelTest, RandomLoadKeepsEveryPromise) {
    struct Checked : Timer {
        void onTimer() override { firedAt = *clock; }

        const Milliseconds* clock = nullptr;
        Milliseconds due{-1};
        Milliseconds firedAt{-1};
    };

    std::mt19937 random(1);
    std::vector<Checked> timers(200);
    for (Checked& checked : timers)
        checked.clock = &now;
    for (int step = 0; step < 20'000; ++step) {
        now += Milliseconds(random() % 90);
        wheel.advance(start + now);
        for (Checked& checked : timers) {
            if (checked.firedAt >= 0ms) {
                ASSERT_GE(checked.firedAt, checked.due);
                ASSERT_LE(checked.firedAt, checked.due + 300ms);
                checked.due = checked.firedAt = -1ms;
            }
            ASSERT_EQ(checked.armed(), checked.due >= 0ms);
        }
        Checked& chosen = timers[random() % timers.size()];
        if (random() % 4 == 0) {
            wheel.disarm(chosen);
            chosen.due = -1ms;
        } else {
            const Milliseconds delay(random() % (random() % 8 == 0 ? 300'000 : 5'000));
            wheel.arm(chosen, delay);
            chosen.due = now + delay;
        }
    }
}

}  // namespace
}  // namespace evergate::net
