// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/overload.hpp"

#include <gtest/gtest.h>

namespace evergate::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLimit{100};

void note(Overload& overload, milliseconds late, unsigned times) {
    for (unsigned i = 0; i < times; ++i)
        overload.note(late);
}

TEST(Overload, ASingleStallIsNoOverload) {
    Overload overload(kLimit);
    note(overload, milliseconds(60'000), 1);
    note(overload, milliseconds(0), 1);
    note(overload, milliseconds(3'000), Overload::kPatience - 1);
    EXPECT_EQ(overload.share(), 0u);
}

TEST(Overload, ShedsMoreWithEveryLateTickButNeverAll) {
    Overload overload(kLimit);
    note(overload, milliseconds(101), Overload::kPatience);
    EXPECT_EQ(overload.share(), Overload::kMore);
    note(overload, milliseconds(101), 1);
    EXPECT_EQ(overload.share(), 2 * Overload::kMore);
    note(overload, milliseconds(101), 1'000);
    EXPECT_EQ(overload.share(), Overload::kMost);
    EXPECT_LT(overload.share(), Overload::kEverything);
}

TEST(Overload, HoldsBetweenHalfTheLimitAndTheLimit) {
    Overload overload(kLimit);
    note(overload, milliseconds(200), Overload::kPatience + 2);
    const auto share = overload.share();
    note(overload, milliseconds(75), 100);
    EXPECT_EQ(overload.share(), share);
    // It was interrupted: patience begins anew.
    note(overload, milliseconds(200), Overload::kPatience - 1);
    EXPECT_EQ(overload.share(), share);
}

TEST(Overload, RecoversSlowerThanItGrew) {
    Overload overload(kLimit);
    note(overload, milliseconds(200), 100);
    note(overload, milliseconds(10), 1);
    EXPECT_EQ(overload.share(), Overload::kMost - Overload::kLess);
    note(overload, milliseconds(50), Overload::kMost / Overload::kLess - 1);
    EXPECT_EQ(overload.share(), 0u);
    note(overload, milliseconds(0), 10);
    EXPECT_EQ(overload.share(), 0u);
}

TEST(Overload, WithoutALimitNothingIsTooLate) {
    Overload overload(milliseconds(0));
    note(overload, milliseconds(60'000), 1'000);
    EXPECT_EQ(overload.share(), 0u);
}

}  // namespace
}  // namespace evergate::worker
