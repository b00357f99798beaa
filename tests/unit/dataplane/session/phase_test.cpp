// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/phase.hpp"

#include <gtest/gtest.h>

#include <set>

namespace evergate::session {
namespace {

TEST(Phase, EveryOneHasAFiniteDeadlineAndANameOfItsOwn) {
    const model::Settings settings;
    const model::Backend backend;
    std::set<std::string_view> names;
    for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Phase::count_); ++i) {
        const auto phase = static_cast<Phase>(i);
        const auto deadline = deadlineOf(phase, settings, backend);
        EXPECT_GT(deadline.count(), 0) << int(i);
        EXPECT_LE(deadline, settings.tunnelTimeout) << int(i);
        EXPECT_TRUE(phase == Phase::count_ || names.insert(name(phase)).second) << int(i);
    }
}

TEST(Phase, DeadlinesComeFromTheSettingTheyAreNamedAfter) {
    model::Settings settings;
    settings.headTimeout = std::chrono::milliseconds(1);
    settings.keepAliveTimeout = std::chrono::milliseconds(2);
    settings.bodyTimeout = std::chrono::milliseconds(3);
    settings.writeTimeout = std::chrono::milliseconds(4);
    settings.tunnelTimeout = std::chrono::milliseconds(9);
    settings.handshakeTimeout = std::chrono::milliseconds(10);
    settings.halfCloseTimeout = std::chrono::milliseconds(8);
    model::Backend backend;
    backend.connectTimeout = std::chrono::milliseconds(5);
    backend.responseTimeout = std::chrono::milliseconds(6);
    backend.inactivityTimeout = std::chrono::milliseconds(7);
    const auto of = [&](Phase phase) { return deadlineOf(phase, settings, backend).count(); };
    EXPECT_EQ(of(Phase::head), 1);
    EXPECT_EQ(of(Phase::idle), 2);
    EXPECT_EQ(of(Phase::requestBody), 3);
    EXPECT_EQ(of(Phase::clientBlocked), 4);
    EXPECT_EQ(of(Phase::connecting), 5);
    EXPECT_EQ(of(Phase::awaitingResponse), 6);
    EXPECT_EQ(of(Phase::requestBlocked), 7);
    EXPECT_EQ(of(Phase::responseBody), 7);
    EXPECT_EQ(of(Phase::tunnel), 9);
    EXPECT_EQ(of(Phase::handshake), 10);
    EXPECT_EQ(of(Phase::tunnelClosing), 8);
    settings.halfCloseTimeout = std::chrono::hours(1);
    EXPECT_EQ(of(Phase::tunnelClosing), 9) << "no longer than an open one";
}

TEST(Phase, OnlyThoseWithoutARequestFailWithNothing) {
    for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(Phase::count_); ++i) {
        const auto phase = static_cast<Phase>(i);
        const bool without = phase == Phase::handshake || phase == Phase::idle ||
                             phase == Phase::tunnel || phase == Phase::tunnelClosing ||
                             phase == Phase::lingering;
        EXPECT_EQ(timeoutError(phase) == http::ProxyError::none, without) << name(phase);
    }
}

}  // namespace
}  // namespace evergate::session
