// SPDX-License-Identifier: Apache-2.0
// In every state a session can get into it has a deadline and sees its peers' going; when they are
// gone, so is it, by that event alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "tests/unit/dataplane/session/session_storm.hpp"

namespace evergate::session::test {
namespace {

constexpr int kSteps = 250;
constexpr std::uint64_t kEnough = 200;  // storms, to have seen every phase

// EVERGATE_STORM_SEED=n: only that one. EVERGATE_STORM_SEEDS=n: so many.
std::uint64_t numberFrom(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(SessionProperty, EveryStateHasADeadlineAndSeesItsPeersGo) {
    const StormTls tls;
    const std::uint64_t first = numberFrom("EVERGATE_STORM_SEED", 1);
    const std::uint64_t count = std::getenv("EVERGATE_STORM_SEED") != nullptr
                                    ? 1
                                    : numberFrom("EVERGATE_STORM_SEEDS", kEnough);
    std::map<std::string_view, int> seen;  // in how many storms
    for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm storm(seed, tls);
        for (int i = 0; i < kSteps && !HasFailure(); ++i) {
            storm.step();
            storm.check();
        }
        storm.everyoneLeaves();
        storm.expectNothingLeft();
        for (const std::string_view phase : storm.phases())
            ++seen[phase];
    }
    for (const auto& [phase, storms] : seen)
        RecordProperty(std::string(phase), storms);
    for (std::uint8_t i = 0; count >= kEnough && i < static_cast<std::uint8_t>(Phase::count_); ++i)
        EXPECT_GT(seen[name(static_cast<Phase>(i))], 0) << name(static_cast<Phase>(i));
}

}  // namespace
}  // namespace evergate::session::test
