// SPDX-License-Identifier: Apache-2.0
#include "common/process/backoff.hpp"

#include <gtest/gtest.h>

namespace evergate::process {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesItsCeilingUpToTheMaximum) {
    Backoff backoff(milliseconds(10), milliseconds(100), [] { return 0.999999; });
    for (const int expected : {20, 40, 80, 100, 100, 100}) {
        EXPECT_EQ(backoff.next(), milliseconds(expected));
    }
}

TEST(Backoff, NeverGoesBelowTheMinimum) {
    Backoff backoff(milliseconds(10), milliseconds(100), [] { return 0.0; });
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(backoff.next(), milliseconds(10));
    }
}

TEST(Backoff, StartsAgainAfterReset) {
    Backoff backoff(milliseconds(10), milliseconds(15'000), [] { return 0.999999; });
    for (int i = 0; i < 100; ++i) {
        backoff.next();
    }
    EXPECT_EQ(backoff.next(), milliseconds(15'000));
    backoff.reset();
    EXPECT_EQ(backoff.next(), milliseconds(20));
}

TEST(Backoff, WorksAtEqualAndAtExtremeBounds) {
    Backoff equal(milliseconds(5), milliseconds(5), [] { return 0.5; });
    EXPECT_EQ(equal.next(), milliseconds(5));
    Backoff huge(milliseconds(1), std::chrono::hours(1'000'000), [] { return 0.5; });
    for (int i = 0; i < 200; ++i) {
        EXPECT_LE(huge.next(), std::chrono::hours(1'000'000));
    }
}

TEST(Backoff, SystemRandomStaysInItsRange) {
    const auto random = systemRandom();
    for (int i = 0; i < 1'000; ++i) {
        const double value = random();
        EXPECT_GE(value, 0.0);
        EXPECT_LT(value, 1.0);
    }
}

}  // namespace
}  // namespace evergate::process
