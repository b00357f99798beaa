// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/retry_budget.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace evergate::upstream {
namespace {

TEST(RetryBudget, AFewAreAlwaysAllowed) {
    for (std::uint32_t underWay = 0; underWay < kRetriesAlways; ++underWay)
        EXPECT_TRUE(withinRetryBudget(underWay, 0, 0)) << underWay;
    EXPECT_FALSE(withinRetryBudget(kRetriesAlways, 0, 0));
    EXPECT_FALSE(withinRetryBudget(kRetriesAlways, 10, 20));
}

TEST(RetryBudget, IsAShareOfWhatIsUnderWay) {
    EXPECT_TRUE(withinRetryBudget(19, 100, 20));
    EXPECT_FALSE(withinRetryBudget(20, 100, 20));
    EXPECT_TRUE(withinRetryBudget(99, 100, 100));
}

TEST(RetryBudget, DoesNotOverflow) {
    constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
    EXPECT_TRUE(withinRetryBudget(kMost / 2, kMost, 100));
}

}  // namespace
}  // namespace evergate::upstream
