// SPDX-License-Identifier: Apache-2.0
#include "common/process/duration.hpp"

#include <gtest/gtest.h>

namespace evergate::process {
namespace {

using std::chrono::milliseconds;

TEST(Duration, ParsesUnitsLargestFirst) {
    EXPECT_EQ(parseDuration("0s"), milliseconds(0));
    EXPECT_EQ(parseDuration("500ms"), milliseconds(500));
    EXPECT_EQ(parseDuration("30s"), milliseconds(30'000));
    EXPECT_EQ(parseDuration("90m"), milliseconds(5'400'000));
    EXPECT_EQ(parseDuration("1h2m3s4ms"), milliseconds(3'723'004));
    EXPECT_EQ(parseDuration("1m1ms"), milliseconds(60'001));
    EXPECT_EQ(parseDuration("87600h"), std::chrono::hours(87'600));
}

TEST(Duration, RefusesEverythingElse) {
    for (const char* text : {"",
                             "30",
                             "s",
                             "-1s",
                             "+1s",
                             "1.5s",
                             " 1s",
                             "1s ",
                             "1 s",
                             "1d",
                             "1S",
                             "1s1m",
                             "1s1s",
                             "1ms1s",
                             "1sms",
                             "87601h",
                             "87600h1ms",
                             "99999999999999999999s",
                             "18446744073709551615ms",
                             "1m30"}) {
        EXPECT_EQ(parseDuration(text), std::nullopt) << text;
    }
}

TEST(Duration, FormatsWhatParsesToTheSame) {
    EXPECT_EQ(formatDuration(milliseconds(0)), "0s");
    EXPECT_EQ(formatDuration(milliseconds(1'500)), "1s500ms");
    EXPECT_EQ(formatDuration(milliseconds(3'600'000)), "1h");
    for (const int count : {1, 999, 60'000, 61'001, 86'399'999}) {
        EXPECT_EQ(parseDuration(formatDuration(milliseconds(count))), milliseconds(count));
    }
}

}  // namespace
}  // namespace evergate::process
