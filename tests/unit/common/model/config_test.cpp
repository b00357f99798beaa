// SPDX-License-Identifier: Apache-2.0
#include "common/model/config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/common/model/random_values.hpp"

namespace evergate::model {
namespace {

std::map<Key, ContentHash> contents(const Config& config, Lane lane) {
    std::map<Key, ContentHash> result;
    for (const auto& [key, entry] : config.entries()) {
        if (laneOf(key.kind) == lane) {
            result.emplace(key, entry.hash);
        }
    }
    return result;
}

RootHash recomputed(const Config& config, Lane lane) {
    RootHash root;
    for (const auto& [key, hash] : contents(config, lane)) {
        root.add(key, hash);
    }
    return root;
}

constexpr Lane kLanes[] = {Lane::config, Lane::endpoints};

TEST(Config, DiffThenApplyGivesTheTargetPerLane) {
    RandomValues random(1);
    for (int round = 0; round < 300; ++round) {
        const Config from = random.config();
        const Config to = random.config();
        for (const Lane lane : kLanes) {
            const Lane other = lane == Lane::config ? Lane::endpoints : Lane::config;
            Config result = from;
            apply(result, diff(from, to, lane));
            EXPECT_EQ(contents(result, lane), contents(to, lane));
            EXPECT_EQ(result.root(lane), to.root(lane));
            EXPECT_EQ(contents(result, other), contents(from, other));
            EXPECT_EQ(result.root(other), from.root(other));
        }
    }
}

TEST(Config, InverseTakesADeltaBack) {
    RandomValues random(2);
    for (int round = 0; round < 300; ++round) {
        const Config before = random.config();
        for (const Lane lane : kLanes) {
            const Delta delta = diff(before, random.config(), lane);
            const Delta back = inverse(before, delta);
            Config result = before;
            apply(result, delta);
            apply(result, back);
            EXPECT_EQ(contents(result, lane), contents(before, lane));
            EXPECT_EQ(result.root(lane), before.root(lane));
            EXPECT_TRUE(std::is_sorted(back.deletes.begin(), back.deletes.end()));
            EXPECT_TRUE(
                std::is_sorted(back.upserts.begin(), back.upserts.end(),
                               [](const auto& a, const auto& b) { return a.first < b.first; }));
        }
    }
}

TEST(Config, InverseOfDeletesOfAbsentKeysIsEmpty) {
    Config before;
    Delta delta;
    delta.deletes.push_back({Kind::route, "absent"});
    EXPECT_TRUE(inverse(before, delta).empty());
}

TEST(Config, IncrementalRootEqualsTheRecomputedOne) {
    RandomValues random(3);
    Config config;
    for (int step = 0; step < 2'000; ++step) {
        const Key key = random.key();
        if (random.below(3) == 0) {
            config.erase(key);
        } else {
            config.put(key, random.value(key.kind));
        }
        if (step % 50 == 0) {
            for (const Lane lane : kLanes) {
                ASSERT_EQ(config.root(lane), recomputed(config, lane));
            }
        }
    }
}

TEST(Config, EmptyingLeavesTheZeroRoot) {
    Config config = RandomValues(4).config();
    const Config::Map entries = config.entries();
    for (const auto& [key, entry] : entries) {
        EXPECT_TRUE(config.erase(key));
        EXPECT_FALSE(config.erase(key));
    }
    EXPECT_EQ(config.root(Lane::config), RootHash{});
    EXPECT_EQ(config.root(Lane::endpoints), RootHash{});
}

TEST(Config, RootDependsOnTheKeyAndNotOnTheOrder) {
    Config ab;
    ab.put({Kind::backend, "a"}, Backend{});
    ab.put({Kind::backend, "b"}, Backend{});
    Config ba;
    ba.put({Kind::backend, "b"}, Backend{});
    ba.put({Kind::backend, "a"}, Backend{});
    EXPECT_EQ(ab.root(Lane::config), ba.root(Lane::config));
    Config ac;
    ac.put({Kind::backend, "a"}, Backend{});
    ac.put({Kind::backend, "c"}, Backend{});
    EXPECT_NE(ab.root(Lane::config), ac.root(Lane::config));
}

TEST(Config, CountsEachKind) {
    Config config;
    config.put({Kind::backend, "a"}, Backend{});
    config.put({Kind::backend, "a"}, Backend{.retries = 3});
    config.put({Kind::endpoints, "a"}, Endpoints{});
    EXPECT_EQ(config.count(Kind::backend), 1U);
    EXPECT_EQ(config.count(Kind::endpoints), 1U);
    EXPECT_EQ(config.count(Kind::route), 0U);
    config.erase({Kind::backend, "a"});
    EXPECT_EQ(config.count(Kind::backend), 0U);
}

TEST(Config, FindGivesTheValueOrNull) {
    Config config;
    config.put({Kind::backend, "a"}, Backend{.retries = 3});
    const auto* backend = config.find<Backend>({Kind::backend, "a"});
    ASSERT_NE(backend, nullptr);
    EXPECT_EQ(backend->retries, 3U);
    EXPECT_EQ(config.find<Backend>({Kind::backend, "b"}), nullptr);
    EXPECT_EQ(config.find<Route>({Kind::backend, "a"}), nullptr);
}

TEST(Config, CopiesShareValuesAndDoNotFollow) {
    Config original;
    original.put({Kind::backend, "a"}, Backend{});
    const Config copy = original;
    EXPECT_EQ(copy.find<Backend>({Kind::backend, "a"}),
              original.find<Backend>({Kind::backend, "a"}));
    original.erase({Kind::backend, "a"});
    EXPECT_EQ(copy.entries().size(), 1U);
}

TEST(RootHash, AddThenRemoveIsNothingWhateverTheCarry) {
    RandomValues random(5);
    for (const std::uint64_t limb : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
        RootHash root;
        root.limbs.fill(limb);
        const RootHash before = root;
        for (int i = 0; i < 200; ++i) {
            ContentHash hash{};
            hash[0] = static_cast<std::uint8_t>(i);
            const Key key = random.key();
            root.add(key, hash);
            EXPECT_NE(root, before);
            root.remove(key, hash);
            ASSERT_EQ(root, before);
        }
    }
}

TEST(RootHash, HexGoesThereAndBack) {
    RootHash root;
    root.limbs = {0x0123456789abcdefULL, 1, 0, 0xfedcba9876543210ULL};
    const std::string text =
        "fedcba9876543210"
        "0000000000000000"
        "0000000000000001"
        "0123456789abcdef";
    EXPECT_EQ(root.toHex(), text);
    EXPECT_EQ(RootHash::fromHex(text), root);
    EXPECT_EQ(RootHash{}.toHex(), std::string(64, '0'));
}

TEST(RootHash, FromHexRefusesOtherText) {
    EXPECT_FALSE(RootHash::fromHex(""));
    EXPECT_FALSE(RootHash::fromHex(std::string(63, '0')));
    EXPECT_FALSE(RootHash::fromHex(std::string(65, '0')));
    EXPECT_FALSE(RootHash::fromHex(std::string(63, '0') + "g"));
    EXPECT_FALSE(RootHash::fromHex(std::string(63, '0') + "A"));
    EXPECT_FALSE(RootHash::fromHex("-" + std::string(63, '0')));
}

std::string hex(const ContentHash& hash) {
    std::string text;
    for (const std::uint8_t byte : hash) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 0xF];
    }
    return text;
}

// Both programs may be of different builds: these digests must never change.
TEST(ContentHash, IsTheSameInEveryBuild) {
    EXPECT_EQ(hex(makeEntry(Backend{}).hash), "44136fa355b3678a1146ad16f7e8649e");
    EXPECT_EQ(hex(makeEntry(Settings{}).hash), hex(makeEntry(Backend{}).hash));
    EXPECT_NE(hex(makeEntry(Backend{.retries = 2}).hash), hex(makeEntry(Backend{}).hash));
}

}  // namespace
}  // namespace evergate::model
