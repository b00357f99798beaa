// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/token_bucket.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::writeback {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, GivesABurstThenOnePerPeriod) {
    TokenBucket::Time now{100s};
    TokenBucket bucket(3, 1s);
    EXPECT_TRUE(bucket.full(now));
    for (int i = 0; i < 3; ++i) {
        EXPECT_LE(bucket.ready(), now);
        bucket.take(now);
    }
    EXPECT_FALSE(bucket.full(now));
    EXPECT_EQ(bucket.ready(), now + 1s);
    now += 1s;
    bucket.take(now);
    EXPECT_EQ(bucket.ready(), now + 1s);
    now += 100s;
    EXPECT_TRUE(bucket.full(now));
    for (int i = 0; i < 3; ++i) {
        EXPECT_LE(bucket.ready(), now);
        bucket.take(now);
    }
    EXPECT_GT(bucket.ready(), now) << "tokens beyond the burst are not saved up";
}

}  // namespace
}  // namespace evergate::controller::writeback
