// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/revision_history.hpp"

#include <gtest/gtest.h>

namespace evergate::dataplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

RevisionRecord record(std::uint64_t version, model::Lane lane, int atMillis) {
    RevisionRecord made;
    made.version = version;
    made.lane = lane;
    made.appliedAt = system_clock::time_point(milliseconds(atMillis));
    return made;
}

TEST(RevisionHistory, FormatsTimesAsUtcWithMilliseconds) {
    EXPECT_EQ(toIso8601(system_clock::time_point(milliseconds(1'700'000'000'007))),
              "2023-11-14T22:13:20.007Z");
}

TEST(RevisionHistory, MergesLanesNewestFirst) {
    RevisionHistory history;
    history.add(record(1, model::Lane::config, 10));
    history.add(record(5, model::Lane::endpoints, 20));
    history.add(record(2, model::Lane::config, 30));
    const auto all = history.newestFirst();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].version, 2U);
    EXPECT_EQ(all[1].version, 5U);
    EXPECT_EQ(all[2].version, 1U);
}

TEST(RevisionHistory, BusyEndpointsDoNotPushOutConfigurations) {
    RevisionHistory history;
    history.add(record(1, model::Lane::config, 1));
    for (int i = 0; i < 500; ++i)
        history.add(record(100, model::Lane::endpoints, 2 + i));
    const auto all = history.newestFirst();
    ASSERT_EQ(all.size(), RevisionHistory::kPerLane + 1);
    EXPECT_EQ(all.back().version, 1U);
    EXPECT_EQ(all.back().lane, model::Lane::config);
}

}  // namespace
}  // namespace evergate::dataplane
