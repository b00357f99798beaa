// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/intake.hpp"

#include <gtest/gtest.h>

#include "controller/publish/key_change.hpp"
#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

using State = Intake::State;
using std::chrono::milliseconds;

constexpr EventTime kStart{};

TEST(Intake, WaitsOutItsHoldoff) {
    Intake intake;
    const model::Config nothing;
    EXPECT_EQ(intake.poll(kStart, nothing), State::idle);
    intake.desired(makeConfig(1), 1, kStart, kStart);
    EXPECT_EQ(intake.poll(kStart, nothing), State::waiting);
    EXPECT_EQ(intake.poll(kStart + milliseconds(50), nothing), State::ready);
    EXPECT_EQ(intake.take().config.count(model::Kind::route), 1U);
    EXPECT_EQ(intake.poll(kStart + milliseconds(60), nothing), State::idle);
}

TEST(Intake, KeepsTheOldestEventOfABurst) {
    Intake intake;
    intake.desired(makeConfig(1), 1, kStart + milliseconds(1), kStart + milliseconds(2));
    intake.desired(makeConfig(2), 1, kStart + milliseconds(5), kStart + milliseconds(6));
    ASSERT_EQ(intake.poll(kStart + milliseconds(100), {}), State::ready);
    const auto publication = intake.take();
    EXPECT_EQ(publication.since, kStart + milliseconds(1));
    EXPECT_EQ(publication.config.count(model::Kind::route), 2U);
}

TEST(Intake, EndpointsOvertakeAWaitingRebuildAndStayNewer) {
    Intake intake;
    const model::Config published = makeConfig(1);
    intake.desired(makeConfig(2), 1, kStart, kStart);
    const model::Entry newer = model::makeEntry(endpoints(9999));
    EXPECT_TRUE(intake.endpoints("b0", newer, published));
    EXPECT_FALSE(intake.endpoints("b1", newer, published));  // goes out with its backend
    ASSERT_EQ(intake.poll(kStart + milliseconds(50), published), State::ready);
    const auto publication = intake.take();
    EXPECT_EQ(contentOf(publication.config, endpointsKey("b0")), Content{newer.hash});
    EXPECT_EQ(contentOf(publication.config, endpointsKey("b1")), Content{newer.hash});
}

TEST(Intake, KeepsEndpointsUntilTheirBackendAppears) {
    Intake intake;
    const model::Entry early = model::makeEntry(endpoints(9999));
    EXPECT_FALSE(intake.endpoints("b1", early, makeConfig(1)));
    model::Config next = makeConfig(1);
    intake.desired(next, 1, kStart, kStart);
    next.put(backendKey("b1"), backend());
    intake.desired(next, 1, kStart, kStart);
    ASSERT_EQ(intake.poll(kStart + milliseconds(50), makeConfig(1)), State::ready);
    EXPECT_EQ(contentOf(intake.take().config, endpointsKey("b1")), Content{early.hash});
}

TEST(Intake, HoldsAMassDeleteUntilTheSecondList) {
    Intake intake;
    const model::Config published = makeConfig(4);
    intake.desired(makeConfig(1), 1, kStart, kStart);
    EXPECT_EQ(intake.poll(kStart + milliseconds(50), published), State::held);
    EXPECT_TRUE(intake.holding());
    EXPECT_EQ(intake.poll(kStart + milliseconds(51), published), State::idle);
    // Endpoints go on while it waits.
    EXPECT_TRUE(intake.endpoints("b0", model::makeEntry(endpoints(1)), published));
    intake.desired(makeConfig(1), 2, kStart, kStart + milliseconds(60));
    EXPECT_EQ(intake.poll(kStart + milliseconds(110), published), State::ready);
    EXPECT_EQ(intake.take().fullList, 2U);
}

}  // namespace
}  // namespace evergate::controller
