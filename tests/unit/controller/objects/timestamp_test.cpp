// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/timestamp.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

TEST(Timestamp, ReadsWhatTheServerWrites) {
    EXPECT_EQ(parseTimestamp("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(parseTimestamp("2026-11-21T02:53:50Z"), 1795229630);
    EXPECT_EQ(parseTimestamp("2024-02-29T12:00:00.123456Z"), 1709208000);
    EXPECT_EQ(parseTimestamp("1970-01-01T01:00:00+01:00"), 0);
    EXPECT_EQ(parseTimestamp("1969-12-31T23:59:59-00:30"), 1799);
}

TEST(Timestamp, RefusesTheRest) {
    for (const char* text :
         {"", "2026-11-21", "2026-11-21T02:53:50", "2026-13-21T02:53:50Z", "2025-02-29T00:00:00Z",
          "2026-11-21T24:53:50Z", "2026-11-21T02:53:50Zx", "2026-11-21T02:53:50.Z",
          "2026-11-21T02:53:50+1:00", "x026-11-21T02:53:50Z"}) {
        EXPECT_FALSE(parseTimestamp(text)) << text;
    }
}

}  // namespace
}  // namespace evergate::controller
