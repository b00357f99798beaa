// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/check_state.hpp"

#include <gtest/gtest.h>

namespace evergate::health {
namespace {

const model::HealthCheck kCheck{
    .type = model::HealthCheckType::tcp, .healthyThreshold = 2, .unhealthyThreshold = 3};

TEST(CheckState, BeginsUpAndUnproven) {
    const CheckState state;
    EXPECT_TRUE(state.up());
    EXPECT_FALSE(state.proven());
}

TEST(CheckState, FirstBadCheckTakesItOut) {
    CheckState state;
    EXPECT_TRUE(state.note(false, kCheck));
    EXPECT_FALSE(state.up());
}

TEST(CheckState, GoesDownAfterTheThresholdInARow) {
    CheckState state;
    EXPECT_FALSE(state.note(true, kCheck));
    EXPECT_FALSE(state.note(false, kCheck));
    EXPECT_FALSE(state.note(false, kCheck));
    EXPECT_FALSE(state.note(true, kCheck));  // begins anew
    EXPECT_FALSE(state.note(false, kCheck));
    EXPECT_FALSE(state.note(false, kCheck));
    EXPECT_TRUE(state.up());
    EXPECT_TRUE(state.note(false, kCheck));
    EXPECT_FALSE(state.up());
}

TEST(CheckState, ComesBackAfterTheThresholdInARow) {
    CheckState state;
    state.note(false, kCheck);
    EXPECT_FALSE(state.note(true, kCheck));
    EXPECT_FALSE(state.note(false, kCheck));
    EXPECT_FALSE(state.note(true, kCheck));
    EXPECT_TRUE(state.note(true, kCheck));
    EXPECT_TRUE(state.up());
    EXPECT_FALSE(state.note(true, kCheck));
}

}  // namespace
}  // namespace evergate::health
