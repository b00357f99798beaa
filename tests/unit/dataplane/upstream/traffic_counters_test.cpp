// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/traffic_counters.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace evergate::upstream {
namespace {

std::string_view labelOf(std::uint16_t status) {
    return StatusCounts::label(StatusCounts::indexOf(status));
}

TEST(StatusCounts, NamesCommonCodesAndSumsUpTheRest) {
    EXPECT_EQ(labelOf(200), "200");
    EXPECT_EQ(labelOf(101), "101");
    EXPECT_EQ(labelOf(505), "505");
    EXPECT_EQ(labelOf(299), "2xx");
    EXPECT_EQ(labelOf(499), "4xx");
    EXPECT_EQ(labelOf(599), "5xx");
    EXPECT_EQ(labelOf(600), "5xx");
    EXPECT_EQ(labelOf(999), "5xx");
    EXPECT_EQ(labelOf(0), "none");
    EXPECT_EQ(labelOf(99), "none");
}

TEST(StatusCounts, HasEveryLabelOnce) {
    std::set<std::string_view> labels;
    for (std::size_t i = 0; i < StatusCounts::kLabels; ++i)
        EXPECT_TRUE(labels.insert(StatusCounts::label(i)).second);
    for (std::uint16_t status = 100; status < 700; ++status) {
        const std::string_view label = labelOf(status);
        EXPECT_TRUE(labels.contains(label));
        EXPECT_TRUE(label == std::to_string(status) || label.ends_with("xx")) << status;
    }
}

TEST(DurationHistogram, BoundsBelongToTheirBucket) {
    EXPECT_EQ(DurationHistogram::bucketOf(0), 0U);
    EXPECT_EQ(DurationHistogram::bucketOf(500), 0U);
    EXPECT_EQ(DurationHistogram::bucketOf(501), 1U);
    EXPECT_EQ(DurationHistogram::bucketOf(UINT32_MAX), kDurationBounds.size());
}

TEST(TrafficCounters, MergesEverything) {
    TrafficCounters one;
    one.statuses.add(StatusCounts::indexOf(404));
    one.durations.observe(100);
    one.firstBytes.observe(50);
    one.reasons[3] = 2;
    one.retries = 1;
    one.bytesFromClients = 5;
    one.bytesToClients = 7;
    TrafficCounters sum = one;
    sum.merge(one);
    EXPECT_EQ(sum.statuses.sum(), 2U);
    EXPECT_EQ(sum.durations.buckets[0], 2U);
    EXPECT_EQ(sum.durations.sumMicros, 200U);
    EXPECT_EQ(sum.firstBytes.sumMicros, 100U);
    EXPECT_EQ(sum.reasons[3], 4U);
    EXPECT_EQ(sum.retries, 2U);
    EXPECT_EQ(sum.bytesFromClients, 10U);
    EXPECT_EQ(sum.bytesToClients, 14U);
}

TEST(TrafficTable, MakesCountersWhenNeeded) {
    TrafficTable table;
    EXPECT_EQ(table.find(4), nullptr);
    table.at(4).retries = 3;
    EXPECT_EQ(table.find(3), nullptr);
    EXPECT_EQ(table.find(4)->retries, 3U);
    table.reset(4);
    table.reset(400);
    EXPECT_EQ(table.find(4), nullptr);
}

}  // namespace
}  // namespace evergate::upstream
