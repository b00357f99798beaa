// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/flood_guard.hpp"

#include <gtest/gtest.h>

namespace evergate::http2 {
namespace {

using Kind = FloodGuard::Kind;

int taken(FloodGuard& guard, Kind kind, std::uint32_t tick, int most) {
    int count = 0;
    while (count < most && guard.note(kind, tick))
        ++count;
    return count;
}

TEST(FloodGuard, BoundsWhatCostsNothing) {
    for (const Kind kind :
         {Kind::settings, Kind::ping, Kind::emptyData, Kind::tinyData, Kind::control}) {
        FloodGuard guard;
        const int count = taken(guard, kind, 10, 100'000);
        EXPECT_GE(count, 50);
        EXPECT_LT(count, 100'000);
        // A minute later it may go on.
        EXPECT_TRUE(guard.note(kind, 610));
    }
}

TEST(FloodGuard, LetsClientsCancelALittleOfMuch) {
    FloodGuard guard;
    for (int i = 0; i < 100'000; ++i) {
        guard.noteRequest();
        const bool served = i % 3 != 0 || guard.note(Kind::reset, 1);
        ASSERT_TRUE(served) << i;
    }
}

TEST(FloodGuard, TakesRapidResetsForAnAttack) {
    FloodGuard guard;
    int count = 0;
    do {
        guard.noteRequest();
    } while (count++ < 10'000 && guard.note(Kind::reset, 1));
    EXPECT_GT(count, 100);
    EXPECT_LT(count, 2'000);
    EXPECT_EQ(FloodGuard::refusalOf(Kind::reset), Refusal::rapidReset);
}

TEST(FloodGuard, ExcusesUpdatesByWhatWasSent) {
    FloodGuard guard;
    for (int i = 0; i < 100'000; ++i) {
        guard.noteSent(1, 0);
        ASSERT_TRUE(guard.note(Kind::control, 1) && guard.note(Kind::control, 1)) << i;
    }
}

TEST(FloodGuard, ExcusesPingsByDataThatWasSent) {
    FloodGuard guard;
    for (int i = 0; i < 100'000; ++i) {
        guard.noteSent(1, 1);
        ASSERT_TRUE(guard.note(Kind::ping, 1)) << i;
    }
    FloodGuard other;
    int count = 0;
    do {
        other.noteSent(1, 0);
    } while (count++ < 10'000 && other.note(Kind::ping, 1));
    EXPECT_LT(count, 1'000);
}

TEST(FloodGuard, EndsHeaderBlocksWithoutEnd) {
    FloodGuard guard;
    EXPECT_TRUE(guard.noteHeaderFrame(true));
    int count = 1;
    while (count < 1'000 && guard.noteHeaderFrame(false))
        ++count;
    EXPECT_LT(count, 100);
    EXPECT_TRUE(guard.noteHeaderFrame(true));
}

TEST(Refusals, HaveNames) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(Refusal::count_); ++i)
        EXPECT_FALSE(name(static_cast<Refusal>(i)).empty());
}

}  // namespace
}  // namespace evergate::http2
