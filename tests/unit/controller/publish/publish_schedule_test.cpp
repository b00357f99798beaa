// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/publish_schedule.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

using std::chrono::milliseconds;

TEST(PublishSchedule, WaitsForQuiet) {
    PublishSchedule schedule;
    const PublishSchedule::Time start{};
    EXPECT_FALSE(schedule.due());
    EXPECT_FALSE(schedule.ready(start));
    schedule.event(start);
    schedule.event(start + milliseconds(30));
    EXPECT_EQ(schedule.due(), start + milliseconds(80));
    EXPECT_FALSE(schedule.ready(start + milliseconds(79)));
    EXPECT_TRUE(schedule.ready(start + milliseconds(80)));
}

TEST(PublishSchedule, DoesNotWaitForEver) {
    PublishSchedule schedule;
    const PublishSchedule::Time start{};
    for (int i = 0; i <= 300; i += 10) {
        schedule.event(start + milliseconds(i));
    }
    EXPECT_EQ(schedule.due(), start + milliseconds(250));
    schedule.done();
    EXPECT_FALSE(schedule.due());
}

}  // namespace
}  // namespace evergate::controller
