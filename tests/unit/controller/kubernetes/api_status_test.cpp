// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/api_status.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::kubernetes {
namespace {

using std::chrono::seconds;

TEST(ApiStatus, ReadsARefusal) {
    const auto status = parseStatus(
        R"({"kind":"Status","message":"slow down","reason":"TooManyRequests","code":429,"details":{"retryAfterSeconds":3}})");
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 429);
    EXPECT_EQ(status->retryAfter, seconds(3));
    EXPECT_EQ(status->text(), "TooManyRequests: slow down");
}

TEST(ApiStatus, IgnoresOtherObjectsAndBrokenOnes) {
    EXPECT_FALSE(parseStatus(R"({"kind":"Ingress"})"));
    EXPECT_FALSE(parseStatus(R"({"kind":"Status","code":4)"));
    EXPECT_FALSE(parseStatus("<html>"));
    EXPECT_EQ(parseStatus(R"({"kind":"Status","code":"x"})")->code, 0);
}

TEST(ApiStatus, GivesTextFitForALogLine) {
    ApiStatus status{500, "Internal", std::string("a\nb\x1b[31m") + std::string(1000, 'x'), {}};
    EXPECT_EQ(status.text().substr(0, 18), "Internal: a b [31m");
    EXPECT_LT(status.text().size(), 310U);
    EXPECT_EQ((ApiStatus{401, "Unauthorized", "Unauthorized", {}}).text(), "Unauthorized");
}

}  // namespace
}  // namespace evergate::controller::kubernetes
