// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/peak_ewma.hpp"

#include <gtest/gtest.h>

namespace evergate::upstream {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

TEST(PeakEwma, KnowsNothingAtFirst) {
    const PeakEwma ewma;
    EXPECT_FALSE(ewma.known(0));
    EXPECT_FALSE(ewma.known(kSecond));
}

TEST(PeakEwma, TakesOverAHigherValueAtOnce) {
    PeakEwma ewma;
    ewma.observe(1'000, kSecond);
    EXPECT_FLOAT_EQ(ewma.micros(), 1'000);
    ewma.observe(50'000, kSecond + 1);
    EXPECT_FLOAT_EQ(ewma.micros(), 50'000);
}

TEST(PeakEwma, ComesDownWithTime) {
    PeakEwma ewma;
    std::uint64_t now = kSecond;
    ewma.observe(100'000, now);
    float before = ewma.micros();
    for (int i = 0; i < 100; ++i) {
        ewma.observe(1'000, now += kSecond / 10);
        EXPECT_LT(ewma.micros(), before);
        before = ewma.micros();
    }
    EXPECT_NEAR(before, 1'000 + 99'000 / 2.718, 2'000);  // one decay time
}

TEST(PeakEwma, ManyAnswersInAMomentDoNotWashAPeakAway) {
    PeakEwma ewma;
    ewma.observe(100'000, kSecond);
    for (int i = 0; i < 1'000; ++i)
        ewma.observe(1'000, kSecond + 10);
    EXPECT_GT(ewma.micros(), 99'000);
}

TEST(PeakEwma, ForgetsWhatIsOld) {
    PeakEwma ewma;
    ewma.observe(100'000, kSecond);
    EXPECT_TRUE(ewma.known(kSecond + PeakEwma::kDecayMicros - 1));
    EXPECT_FALSE(ewma.known(kSecond + PeakEwma::kDecayMicros));
    ewma.observe(5'000, kSecond + PeakEwma::kDecayMicros);
    EXPECT_FLOAT_EQ(ewma.micros(), 5'000);
}

TEST(PeakEwma, AClockThatSeemsToGoBackDoesNoHarm) {
    PeakEwma ewma;
    ewma.observe(10'000, 9 * kSecond);
    EXPECT_TRUE(ewma.known(kSecond));
    ewma.observe(5'000, kSecond);
    EXPECT_FLOAT_EQ(ewma.micros(), 10'000);
    ewma.observe(0, 0);
    EXPECT_GE(ewma.micros(), 1);
}

}  // namespace
}  // namespace evergate::upstream
