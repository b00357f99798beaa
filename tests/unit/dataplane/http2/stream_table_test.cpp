// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/stream_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

namespace evergate::http2 {
namespace {

// Up to 2^32 - 1.
class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}

    std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

private:
    std::mt19937 engine_;
};

TEST(StreamTable, FindsNothingInNothing) {
    StreamTable table;
    EXPECT_TRUE(table.empty());
    EXPECT_EQ(table.find(1), nullptr);
    table.forEach([](Stream&) { ADD_FAILURE(); });
    table.rest();
    EXPECT_EQ(table.find(0), nullptr);
}

TEST(StreamTable, ForgetsWhatItFoundLast) {
    StreamTable table;
    Stream stream;
    stream.id = 7;
    table.insert(stream);
    EXPECT_EQ(table.find(7), &stream);
    table.erase(stream);
    EXPECT_EQ(table.find(7), nullptr);
    EXPECT_EQ(table.size(), 0U);
}

TEST(StreamTable, WorksAgainAfterRest) {
    StreamTable table;
    Stream stream;
    for (std::uint32_t id = 1; id < 50; id += 2) {
        stream.id = id;
        table.insert(stream);
        table.rest();  // not empty: it stays
        EXPECT_EQ(table.find(id), &stream);
        table.erase(stream);
        table.rest();
        EXPECT_EQ(table.find(id), nullptr);
    }
}

// Against a map, with numbers as `next` gives them.
template <typename Next>
void compare(unsigned seed, std::size_t most, Next next) {
    Random random(seed);
    StreamTable table;
    std::map<std::uint32_t, std::unique_ptr<Stream>> map;
    for (int step = 0; step < 20'000; ++step) {
        const std::uint32_t id = next(random);
        const auto found = map.find(id);
        ASSERT_EQ(table.find(id), found == map.end() ? nullptr : found->second.get());
        if (found != map.end()) {
            table.erase(*found->second);
            map.erase(found);
        } else if (map.size() < most) {
            auto stream = std::make_unique<Stream>();
            stream->id = id;
            table.insert(*stream);
            map.emplace(id, std::move(stream));
        } else {
            const auto victim = std::next(map.begin(), static_cast<long>(random() % map.size()));
            table.erase(*victim->second);
            map.erase(victim);
        }
        ASSERT_EQ(table.size(), map.size());
        if (step % 64 == 0) {
            table.rest();
            std::set<std::uint32_t> seen;
            table.forEach([&seen](Stream& stream) { EXPECT_TRUE(seen.insert(stream.id).second); });
            ASSERT_EQ(seen.size(), map.size());
        }
    }
    for (const auto& [id, stream] : map)
        ASSERT_EQ(table.find(id), stream.get());
}

TEST(StreamTable, IsLikeAMapForNumbersOfOneParity) {
    for (unsigned seed = 0; seed < 8; ++seed)
        compare(seed, std::size_t{1} << seed,
                [](Random& random) { return random() % 512 * 2 + 1; });
}

TEST(StreamTable, IsLikeAMapForEvenNumbers) {
    compare(1, 100, [](Random& random) { return random() % 512 * 2; });
}

// All of them at home in the same place.
TEST(StreamTable, IsLikeAMapForNumbersThatCollide) {
    for (unsigned seed = 0; seed < 4; ++seed)
        compare(seed, 40, [](Random& random) { return (random() % 60 << 16U) + 1; });
}

// As a connection has them: rising, most of them short-lived.
TEST(StreamTable, IsLikeAMapForNumbersThatRise) {
    std::uint32_t id = 0;
    compare(3, 30, [&id](Random& random) {
        id += 2;
        return random() % 2 == 0 || id < 100 ? id + 1 : id + 1 - 2 * (random() % 20);
    });
}

TEST(StreamTable, TakesTheLargestNumbers) {
    StreamTable table;
    std::array<Stream, 20> streams;
    std::uint32_t id = kMaxStreamId;
    for (Stream& stream : streams) {
        stream.id = id;
        table.insert(stream);
        id -= 2;
    }
    for (Stream& stream : streams) {
        EXPECT_EQ(table.find(stream.id), &stream);
        table.erase(stream);
    }
    EXPECT_TRUE(table.empty());
}

}  // namespace
}  // namespace evergate::http2
