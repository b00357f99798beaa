// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/body_rate.hpp"

#include <gtest/gtest.h>

namespace evergate::session {
namespace {

using namespace std::chrono_literals;

TEST(BodyRate, GivesFiveSecondsToBegin) {
    BodyRate rate;
    rate.wait(true, 100);
    EXPECT_EQ(rate.left(0, 240), 5s);
    rate.wait(true, 149);
    EXPECT_EQ(rate.left(0, 240), 100ms);
    rate.wait(true, 200);
    EXPECT_EQ(rate.left(0, 240), 0ms);
}

TEST(BodyRate, BytesEarnTime) {
    BodyRate rate;
    rate.wait(true, 0);
    rate.wait(true, 60);
    EXPECT_EQ(rate.left(1'200, 240), 0ms) << "240 per second for five seconds, after six";
    EXPECT_EQ(rate.left(2'400, 240), 4s);
    EXPECT_EQ(rate.left(2'400, 2'400), 0ms);
}

TEST(BodyRate, CountsOnlyWhatTheClientIsWaitedFor) {
    BodyRate rate;
    EXPECT_FALSE(rate.waiting());
    rate.wait(true, 0);
    rate.wait(false, 20);
    EXPECT_FALSE(rate.waiting());
    rate.wait(true, 10'000);
    EXPECT_EQ(rate.left(0, 240), 3s);
    rate.wait(false, 10'010);
    rate.wait(false, 20'000);
    EXPECT_EQ(rate.left(0, 240), 2s);
}

TEST(BodyRate, TakesTheLargestBodies) {
    BodyRate rate;
    rate.wait(true, 0);
    rate.wait(true, 1'000);
    EXPECT_GT(rate.left(std::uint64_t{1} << 53, 1), 24h);
}

}  // namespace
}  // namespace evergate::session
