// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/wall_time.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::writeback {
namespace {

using namespace std::chrono_literals;

TEST(WallTime, IsWrittenAsTheApiHasIt) {
    EXPECT_EQ(microTime(WallTime{}), "1970-01-01T00:00:00.000000Z");
    const WallTime at{1'767'225'600s + 42us};
    EXPECT_EQ(microTime(at), "2026-01-01T00:00:00.000042Z");
    EXPECT_EQ(secondTime(at), "2026-01-01T00:00:00Z");
}

}  // namespace
}  // namespace evergate::controller::writeback
