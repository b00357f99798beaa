// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/hash_ring.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace evergate::upstream {
namespace {

using Members = std::vector<HashRing::Member>;

std::vector<int> shares(const HashRing& ring, std::size_t members, int keys = 20'000) {
    std::vector<int> result(members);
    for (int key = 0; key < keys; ++key) {
        ++result[ring.member(ring.locate(static_cast<std::uint64_t>(key)))];
    }
    return result;
}

TEST(HashRing, HoldsNobodyWithoutWeight) {
    HashRing ring;
    EXPECT_TRUE(ring.empty());
    ring.build(Members{{"a", 0}});
    EXPECT_TRUE(ring.empty());
    ring.build(Members{{"a", 0}, {"b", 1}});
    EXPECT_EQ(shares(ring, 2)[0], 0);
    ring.clear();
    EXPECT_TRUE(ring.empty());
}

TEST(HashRing, GivesSharesByWeight) {
    HashRing ring;
    ring.build(Members{{"a", 1}, {"b", 3}});
    const auto share = shares(ring, 2);
    EXPECT_NEAR(static_cast<double>(share[1]) / share[0], 3.0, 1.0);
}

TEST(HashRing, MovesOnlyTheKeysOfWhoLeaves) {
    HashRing before;
    HashRing after;
    before.build(Members{{"a", 1}, {"b", 1}, {"c", 1}});
    after.build(Members{{"a", 1}, {"b", 0}, {"c", 1}});
    for (std::uint64_t key = 0; key < 5'000; ++key) {
        const std::uint32_t was = before.member(before.locate(key));
        if (was != 1) {
            ASSERT_EQ(after.member(after.locate(key)), was) << key;
        }
    }
}

TEST(HashRing, DoesNotDependOnTheOrderOfItsMembers) {
    HashRing ring;
    HashRing reversed;
    ring.build(Members{{"a", 1}, {"b", 2}});
    reversed.build(Members{{"b", 2}, {"a", 1}});
    for (std::uint64_t key = 0; key < 1'000; ++key) {
        ASSERT_EQ(ring.member(ring.locate(key)), 1 - reversed.member(reversed.locate(key))) << key;
    }
}

TEST(HashRing, GoesRoundPastItsLastPoint) {
    HashRing ring;
    ring.build(Members{{"a", 1}, {"b", 1}});
    std::size_t position = 0;
    for (std::size_t i = 0; i < ring.size(); ++i) {
        position = ring.next(position);
    }
    EXPECT_EQ(position, 0u);
}

TEST(HashRing, HasFewerPointsWhenThereAreManyMembers) {
    std::vector<std::string> names;
    for (int i = 0; i < 3'000; ++i) {
        names.push_back("10.0.0." + std::to_string(i));
    }
    Members members;
    for (const std::string& name : names) {
        members.push_back({name, 1});
    }
    HashRing ring;
    ring.build(members);
    EXPECT_EQ(ring.size(), 3'000u * 8);
}

}  // namespace
}  // namespace evergate::upstream
