// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/session_context.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/dataplane/session/session_world.hpp"

namespace evergate::session {
namespace {

using http::ProxyError;

class SessionContextTest : public testing::Test {
protected:
    // Of so many new ones in a row.
    std::vector<ProxyError> refusals(std::size_t count) {
        std::vector<ProxyError> all(count);
        std::generate(all.begin(), all.end(), [this] { return world.context.refusal(); });
        return all;
    }

    test::SessionWorld world;
};

TEST_F(SessionContextTest, RefusesNothingAsLongAsThereIsNoReason) {
    for (const ProxyError refusal : refusals(1'000))
        EXPECT_EQ(refusal, ProxyError::none);
}

TEST_F(SessionContextTest, ShedsItsShareEvenly) {
    world.context.shedShare = SessionContext::kEverything / 4;
    const auto all = refusals(400);
    EXPECT_EQ(std::count(all.begin(), all.end(), ProxyError::overloaded), 100);
    for (std::size_t i = 0; i + 4 <= all.size(); i += 4)
        EXPECT_EQ(
            std::count(all.begin() + static_cast<std::ptrdiff_t>(i),
                       all.begin() + static_cast<std::ptrdiff_t>(i + 4), ProxyError::overloaded),
            1);
    world.context.shedShare = SessionContext::kEverything;
    for (const ProxyError refusal : refusals(10))
        EXPECT_EQ(refusal, ProxyError::overloaded);
}

}  // namespace
}  // namespace evergate::session
