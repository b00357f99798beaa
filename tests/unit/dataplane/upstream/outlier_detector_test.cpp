// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/outlier_detector.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace evergate::upstream {
namespace {

using Time = OutlierDetector::Time;

class OutlierDetectorTest : public testing::Test {
protected:
    OutlierDetectorTest() {
        policy.consecutiveFailures = 5;
        policy.failurePercent = 50;
        policy.latencyPercent = 300;
        policy.minimumRequests = 10;
        policy.ejectionTime = Time(1'000);
        apply();
    }

    void apply() { detector.setPolicy(policy); }

    void use(int endpoints) {
        names.clear();
        for (int i = 0; i < endpoints; ++i)
            names.push_back(std::string(1, static_cast<char>('a' + i)));
        detector.setEndpoints(names);
    }

    void add(const std::string& name, std::uint64_t requests, std::uint64_t failures,
             std::uint64_t meanMicros = 1'000) {
        OutlierReading& total = totals[name];
        total.requests += requests;
        total.failures += failures;
        total.timed += requests - failures;
        total.latencyMicros += (requests - failures) * meanMicros;
    }

    std::vector<std::string> interval(Time now) {
        std::vector<std::string> out;
        for (const auto& ejection : detector.onInterval(totals, now))
            out.push_back(ejection.endpoint);
        return out;
    }

    using Names = std::vector<std::string>;

    model::OutlierDetection policy;
    OutlierDetector detector;
    Names names;
    OutlierDetector::Readings totals;
};

TEST_F(OutlierDetectorTest, EjectsWhatFailsInARow) {
    use(4);
    const auto ejection = detector.onFailing("b", Time(50));
    ASSERT_TRUE(ejection);
    EXPECT_EQ(ejection->endpoint, "b");
    EXPECT_EQ(ejection->reason, EjectionReason::consecutive);
    EXPECT_EQ(ejection->until, Time(1'050));
    EXPECT_TRUE(detector.ejected("b"));
    EXPECT_EQ(detector.ejections()[0], 1u);
    EXPECT_FALSE(detector.onFailing("b", Time(60)));  // it is out
    EXPECT_FALSE(detector.onFailing("z", Time(60)));  // not one of these
}

TEST_F(OutlierDetectorTest, TriggersThatAreOffDoNothing) {
    policy = {};
    apply();
    use(4);
    EXPECT_FALSE(watches(policy));
    EXPECT_FALSE(detector.onFailing("a", Time(0)));
    add("a", 100, 100, 1);
    add("b", 100, 0, 1'000'000);
    add("c", 100, 0, 1);
    EXPECT_EQ(interval(Time(0)), Names());
}

TEST_F(OutlierDetectorTest, NeverTakesMoreThanItsShareButAlwaysOne) {
    policy.maxEjectedPercent = 50;
    apply();
    use(5);
    EXPECT_TRUE(detector.onFailing("a", Time(0)));
    EXPECT_TRUE(detector.onFailing("b", Time(0)));   // 40 %
    EXPECT_FALSE(detector.onFailing("c", Time(0)));  // would be 60 %
    EXPECT_EQ(detector.ejectedCount(), 2u);
    policy.maxEjectedPercent = 0;
    apply();
    use(1);
    EXPECT_FALSE(detector.ejected("b"));  // it left
    EXPECT_TRUE(detector.ejected("a"));
    EXPECT_EQ(detector.takeReturning(Time(1'000)), Names{"a"});
    EXPECT_TRUE(detector.onFailing("a", Time(2'000)));
}

TEST_F(OutlierDetectorTest, ComesBackWhenItsTimeIsOver) {
    use(4);
    EXPECT_FALSE(detector.nextReturn());
    detector.onFailing("a", Time(0));
    detector.onFailing("c", Time(300));
    EXPECT_EQ(detector.nextReturn(), Time(1'000));
    EXPECT_EQ(detector.takeReturning(Time(999)), Names());
    EXPECT_EQ(detector.takeReturning(Time(1'000)), Names{"a"});
    EXPECT_FALSE(detector.ejected("a"));
    EXPECT_EQ(detector.nextReturn(), Time(1'300));
}

TEST_F(OutlierDetectorTest, StaysAwayLongerEachTime) {
    use(4);
    Time now(0);
    for (int times = 1; times <= 4; ++times) {
        const auto ejection = detector.onFailing("a", now);
        ASSERT_TRUE(ejection);
        EXPECT_EQ(ejection->until - now, times * Time(1'000));
        now = ejection->until;
        EXPECT_EQ(detector.takeReturning(now), Names{"a"});
    }
}

TEST_F(OutlierDetectorTest, ServingWellMakesUpForEjections) {
    use(4);
    for (int times = 0; times < 3; ++times) {
        detector.onFailing("a", Time(0));
        detector.takeReturning(Time(1'000'000));
    }
    interval(Time(0));  // without a request: nothing is proven
    add("a", 3, 1);
    interval(Time(0));  // nor with a failure
    add("a", 3, 0);
    interval(Time(0));
    EXPECT_EQ(detector.onFailing("a", Time(0))->until, Time(3'000));
}

TEST_F(OutlierDetectorTest, NeverStaysAwayForLongerThanTheCap) {
    use(4);
    for (int times = 0; times < 400; ++times) {
        const auto ejection = detector.onFailing("a", Time(0));
        ASSERT_TRUE(ejection);
        ASSERT_LE(ejection->until, OutlierDetector::kLongest);
        detector.takeReturning(ejection->until);
    }
    EXPECT_EQ(detector.onFailing("a", Time(0))->until, OutlierDetector::kLongest);
    policy.ejectionTime = Time(86'400'000);  // longer than the cap: that then
    apply();
    detector.onFailing("b", Time(0));
    detector.takeReturning(policy.ejectionTime);
    EXPECT_EQ(detector.onFailing("b", Time(0))->until, policy.ejectionTime);
}

TEST_F(OutlierDetectorTest, EjectsByFailureShareTheWorstFirst) {
    use(4);
    add("a", 100, 60);
    add("b", 100, 90);
    add("c", 100, 70);
    add("d", 100, 49);
    EXPECT_EQ(interval(Time(0)), (Names{"b", "c"}));  // half of them, no more
    EXPECT_EQ(detector.ejections()[1], 2u);
}

TEST_F(OutlierDetectorTest, LooksAtOneIntervalOnly) {
    use(4);
    add("a", 1'000, 400);
    EXPECT_EQ(interval(Time(0)), Names());
    add("a", 10, 5);
    EXPECT_EQ(interval(Time(0)), Names{"a"});
}

TEST_F(OutlierDetectorTest, AFewRequestsSayNothing) {
    use(4);
    add("a", 9, 9);
    EXPECT_EQ(interval(Time(0)), Names());
    add("a", 9, 9);  // of the next one
    EXPECT_EQ(interval(Time(0)), Names());
}

TEST_F(OutlierDetectorTest, WhatHappenedWhileItWasOutIsForgotten) {
    use(4);
    detector.onFailing("a", Time(0));
    add("a", 100, 100);
    EXPECT_EQ(interval(Time(500)), Names());
    EXPECT_EQ(detector.takeReturning(Time(1'000)), Names{"a"});
    EXPECT_EQ(interval(Time(1'000)), Names());
}

TEST_F(OutlierDetectorTest, EjectsTheSlowOneByTheMedian) {
    use(5);
    for (const char* const name : {"a", "b", "c", "d"})
        add(name, 100, 0, 20'000);
    add("e", 100, 0, 60'000);
    EXPECT_EQ(interval(Time(0)), Names{"e"});
    EXPECT_EQ(detector.ejections()[2], 1u);
}

TEST_F(OutlierDetectorTest, OfTwoTheFasterIsTheMeasure) {
    use(2);
    add("a", 100, 0, 10'000);
    add("b", 100, 0, 29'000);
    EXPECT_EQ(interval(Time(0)), Names());
    add("a", 100, 0, 10'000);
    add("b", 100, 0, 31'000);
    EXPECT_EQ(interval(Time(0)), Names{"b"});
}

TEST_F(OutlierDetectorTest, MicrosecondsAreNoReason) {
    use(3);
    add("a", 100, 0, 200);
    add("b", 100, 0, 200);
    add("c", 100, 0, 4'000);
    EXPECT_EQ(interval(Time(0)), Names());
}

TEST_F(OutlierDetectorTest, FailuresHaveNoLatency) {
    use(3);
    add("a", 100, 0, 10'000);
    add("b", 100, 0, 10'000);
    add("c", 100, 45, 10'000);
    EXPECT_EQ(interval(Time(0)), Names());
}

TEST_F(OutlierDetectorTest, EndpointsThatStayKeepTheirState) {
    use(3);
    detector.onFailing("b", Time(0));
    detector.setEndpoints({"b", "x"});
    EXPECT_TRUE(detector.ejected("b"));
    EXPECT_EQ(detector.ejectedCount(), 1u);
    detector.setEndpoints({"x"});
    EXPECT_EQ(detector.ejectedCount(), 0u);
    detector.setEndpoints({"b", "x"});
    EXPECT_FALSE(detector.ejected("b"));
}

TEST(EjectionReason, HasNames) {
    EXPECT_EQ(name(EjectionReason::consecutive), "consecutive_failures");
    EXPECT_EQ(name(EjectionReason::failureShare), "failure_share");
    EXPECT_EQ(name(EjectionReason::latency), "latency");
}

}  // namespace
}  // namespace evergate::upstream
