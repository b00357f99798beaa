// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/outlier_tally.hpp"

#include <gtest/gtest.h>

namespace evergate::upstream {
namespace {

TEST(EndpointTally, CountsWhatItIsTold) {
    EndpointTally tally;
    tally.noteSuccess();
    tally.noteFailure(0);
    tally.noteLatency(30);
    tally.noteLatency(12);
    const OutlierReading reading = tally.read();
    EXPECT_EQ(reading.requests, 2u);
    EXPECT_EQ(reading.failures, 1u);
    EXPECT_EQ(reading.timed, 2u);
    EXPECT_EQ(reading.latencyMicros, 42u);
}

TEST(EndpointTally, SaysWhenThereWereTooManyInARow) {
    EndpointTally tally;
    EXPECT_FALSE(tally.noteFailure(3));
    EXPECT_FALSE(tally.noteFailure(3));
    tally.noteSuccess();
    EXPECT_FALSE(tally.noteFailure(3));
    EXPECT_FALSE(tally.noteFailure(3));
    EXPECT_TRUE(tally.noteFailure(3));
    EXPECT_FALSE(tally.noteFailure(3));
    EXPECT_FALSE(tally.noteFailure(3));
    EXPECT_TRUE(tally.noteFailure(3));  // nobody took it out: said once more
    tally.forgetRow();
    EXPECT_FALSE(tally.noteFailure(3));
    EXPECT_FALSE(tally.noteFailure(0));  // never
}

TEST(OutlierBoard, GivesEverybodyTheSameTally) {
    OutlierBoard board;
    const auto one = board.tally(1, "10.0.0.1:80");
    EXPECT_EQ(board.tally(1, "10.0.0.1:80"), one);
    EXPECT_NE(board.tally(2, "10.0.0.1:80"), one);
    EXPECT_NE(board.tally(1, "10.0.0.2:80"), one);
}

TEST(OutlierBoard, BeginsAnewWhenNobodyHeldIt) {
    OutlierBoard board;
    board.tally(1, "a")->noteFailure(0);
    for (int i = 0; i < 1'000; ++i)  // what is not held does not stay
        board.tally(3, std::to_string(i));
    EXPECT_EQ(board.tally(1, "a")->read().failures, 0u);
}

}  // namespace
}  // namespace evergate::upstream
