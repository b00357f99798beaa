// SPDX-License-Identifier: Apache-2.0
// The time is an argument: nothing here waits.
#include "dataplane/worker/handshake_limits.hpp"

#include <gtest/gtest.h>

namespace evergate::worker {
namespace {

using namespace std::chrono_literals;

int admitted(HandshakeLimits& limits, std::uint64_t client, std::chrono::nanoseconds now,
             int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i)
        count += limits.admit(client, now) ? 1 : 0;
    return count;
}

TEST(HandshakeLimits, WithoutARateEverybodyMay) {
    HandshakeLimits limits(0, 0, 1);
    EXPECT_FALSE(limits.limited());
    EXPECT_FALSE(limits.byClient());
    EXPECT_EQ(admitted(limits, 7, 1s, 1'000), 1'000);
}

TEST(HandshakeLimits, ASecondsWorthAtOnceThenTheRate) {
    HandshakeLimits limits(100, 0, 1);
    EXPECT_TRUE(limits.limited());
    EXPECT_EQ(admitted(limits, 1, 10s, 500), 100);
    EXPECT_EQ(admitted(limits, 2, 10s, 1), 0) << "all clients together";
    EXPECT_EQ(admitted(limits, 1, 10s + 9ms, 5), 0);
    EXPECT_EQ(admitted(limits, 1, 10s + 10ms, 5), 1);
    EXPECT_EQ(admitted(limits, 1, 10'500ms, 500), 49);
    EXPECT_EQ(admitted(limits, 1, 100s, 500), 100) << "what is not used is not saved";
}

TEST(HandshakeLimits, SmallRatesStillLetABrowserIn) {
    HandshakeLimits limits(1, 0, 1);
    EXPECT_EQ(admitted(limits, 1, 100s, 50), 10);
    EXPECT_EQ(admitted(limits, 1, 101s, 50), 1);
}

TEST(HandshakeLimits, EachClientHasItsOwn) {
    HandshakeLimits limits(0, 20, 1);
    EXPECT_TRUE(limits.byClient());
    EXPECT_EQ(admitted(limits, 1, 10s, 100), 20);
    EXPECT_EQ(admitted(limits, 2, 10s, 100), 20);
    EXPECT_EQ(admitted(limits, 0, 10s, 1'000), 1'000) << "nobody in particular";
}

TEST(HandshakeLimits, WhoIsOverItsOwnRateCostsTheOthersNothing) {
    HandshakeLimits limits(30, 20, 1);
    EXPECT_EQ(admitted(limits, 1, 10s, 1'000), 20);
    EXPECT_EQ(admitted(limits, 2, 10s, 1'000), 10);
}

TEST(HandshakeLimits, HighRatesStayExactEnough) {
    HandshakeLimits limits(1'000'000, 0, 1);
    EXPECT_EQ(admitted(limits, 1, 10s, 10), 10);
    HandshakeLimits most(4'294'967'295U, 0, 1);
    EXPECT_EQ(admitted(most, 1, 10s, 10), 10) << "less than a nanosecond apart: no limit";
}

}  // namespace
}  // namespace evergate::worker
