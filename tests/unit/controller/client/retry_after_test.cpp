// SPDX-License-Identifier: Apache-2.0
#include "controller/client/retry_after.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::client {
namespace {

using std::chrono::seconds;

TEST(RetryAfter, TakesSecondsOnly) {
    EXPECT_EQ(parseRetryAfter("2"), seconds(2));
    EXPECT_EQ(parseRetryAfter("999999"), seconds(3600));
    for (const auto* text : {"", "0", "-1", "1.5", "2s", "Wed, 21 Oct 2015 07:28:00 GMT"}) {
        EXPECT_FALSE(parseRetryAfter(text)) << text;
    }
}

}  // namespace
}  // namespace evergate::controller::client
