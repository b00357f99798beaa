// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/delta_ring.hpp"

#include <gtest/gtest.h>

#include "controller/publish/published_state.hpp"
#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

using model::Lane;

TEST(DeltaRing, MergesWhatWasMissed) {
    PublishedState state("e");
    model::Config config = makeConfig(3);
    state.replace(config, 1);
    const model::Config before = config;
    const auto root = config.root(Lane::config);
    config.put(backendKey("b0"), backend(2));
    state.replace(config, 1);
    config.put(backendKey("b0"), backend(3));
    config.erase(backendKey("b1"));
    config.put(backendKey("new"), backend());
    state.replace(config, 1);

    const auto held = state.ring(Lane::config).since(root);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->size(), 3U);
    EXPECT_EQ(held->at(backendKey("b0")), contentOf(before, backendKey("b0")));
    EXPECT_EQ(held->at(backendKey("b1")), contentOf(before, backendKey("b1")));
    EXPECT_EQ(held->at(backendKey("new")), Content{});
    EXPECT_FALSE(state.ring(Lane::config).since(model::RootHash{{1, 2, 3, 4}}));
}

TEST(DeltaRing, ForgetsTheOldest) {
    PublishedState state("e");
    model::Config config = makeConfig(1);
    state.replace(config, 1);
    const auto first = config.root(Lane::endpoints);
    for (std::uint16_t i = 1; i <= DeltaRing::kMaxDeltas; ++i) {
        EXPECT_EQ(state.putEndpoints(endpointsKey("b0"), model::makeEntry(endpoints(i))).size(),
                  1U);
    }
    EXPECT_TRUE(state.ring(Lane::endpoints).since(first));
    state.putEndpoints(endpointsKey("b0"), model::makeEntry(endpoints(999)));
    EXPECT_FALSE(state.ring(Lane::endpoints).since(first));
    EXPECT_EQ(state.ring(Lane::endpoints).size(), DeltaRing::kMaxDeltas);
}

TEST(DeltaRing, BoundsTheKeysItHolds) {
    DeltaRing ring;
    for (std::uint64_t i = 0; i < 5; ++i) {
        ring.push(model::RootHash{{i, 0, 0, 0}},
                  std::vector<KeyChange>(DeltaRing::kMaxKeys / 4, KeyChange{}));
    }
    EXPECT_EQ(ring.size(), 4U);
}

TEST(PublishedState, CountsVersionsPerLane) {
    PublishedState state("e");
    EXPECT_FALSE(state.ready());
    model::Config config = makeConfig(2);
    state.replace(config, 3);
    EXPECT_TRUE(state.ready());
    EXPECT_FALSE(state.confirmed());
    EXPECT_EQ(state.version(Lane::config), 1U);
    EXPECT_EQ(state.version(Lane::endpoints), 1U);
    EXPECT_TRUE(state.putEndpoints(endpointsKey("b0"), model::makeEntry(endpoints(8080))).empty());
    EXPECT_EQ(state.putEndpoints(endpointsKey("b0"), model::makeEntry(endpoints(1))).size(), 1U);
    EXPECT_EQ(state.version(Lane::endpoints), 2U);
    EXPECT_EQ(state.version(Lane::config), 1U);
    EXPECT_EQ(state.count(Lane::config), 5U);
    EXPECT_EQ(state.count(Lane::endpoints), 2U);
    state.replace(state.config(), 4);
    EXPECT_TRUE(state.confirmed());
    EXPECT_EQ(state.version(Lane::config), 1U);
}

}  // namespace
}  // namespace evergate::controller
