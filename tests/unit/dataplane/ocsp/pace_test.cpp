// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ocsp/pace.hpp"

#include <gtest/gtest.h>

namespace evergate::ocsp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

TEST(Pace, AsksAgainInTheMiddleOfAnAnswersLife) {
    const Pace pace;
    EXPECT_EQ(pace.refresh(1'000, 1'000, 21'000), 10'000s);
    EXPECT_EQ(pace.refresh(5'000, 1'000, 21'000), 6'000s);
    // From a cache, past its middle: of what is left.
    EXPECT_EQ(pace.refresh(11'000, 1'000, 21'000), 5'000s);
    EXPECT_EQ(pace.refresh(20'000, 1'000, 21'000), 500s);
}

TEST(Pace, NeitherTooOftenNorTooSeldom) {
    const Pace pace;
    EXPECT_EQ(pace.refresh(0, 0, 30), 60s);
    EXPECT_EQ(pace.refresh(40, 0, 30), 60s);
    EXPECT_EQ(pace.refresh(0, 0, 30LL * 24 * 3'600), 24h);
}

TEST(Pace, LeavesAResponderThatFailsAlone) {
    const Pace pace;
    EXPECT_EQ(pace.retry(1), 60s);
    EXPECT_EQ(pace.retry(2), 120s);
    EXPECT_EQ(pace.retry(6), 1'920s);
    EXPECT_EQ(pace.retry(7), 1h);
    EXPECT_EQ(pace.retry(4'000'000'000), 1h);
}

TEST(Pace, JitterIsATenthEitherWay) {
    EXPECT_EQ(Pace::jittered(1'000ms, 0), 900ms);
    EXPECT_EQ(Pace::jittered(1'000ms, 200), 1'100ms);
    EXPECT_EQ(Pace::jittered(1'000ms, 201), 900ms);
    EXPECT_EQ(Pace::jittered(0ms, 77), 0ms);
}

}  // namespace
}  // namespace evergate::ocsp
