// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/out_queue.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace evergate::http2 {
namespace {

void put(OutQueue& queue, std::string_view text, std::size_t more = 0) {
    char* const at = queue.reserve(text.size() + more);
    std::memcpy(at, text.data(), text.size());
    queue.commit(text.size());
}

std::string take(OutQueue& queue, std::size_t room) {
    std::string text(room, '?');
    text.resize(queue.take(text.data(), room));
    return text;
}

TEST(OutQueue, GivesBackInOrder) {
    OutQueue queue;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(take(queue, 10), "");
    put(queue, "one");
    put(queue, "two", 100);
    EXPECT_EQ(queue.size(), 6U);
    EXPECT_EQ(take(queue, 4), "onet");
    EXPECT_EQ(take(queue, 0), "");
    EXPECT_EQ(take(queue, 10), "wo");
    EXPECT_TRUE(queue.empty());
}

TEST(OutQueue, CountsWhatWentThrough) {
    OutQueue queue;
    put(queue, "12345");
    EXPECT_EQ(queue.committed(), 5U);
    EXPECT_EQ(queue.taken(), 0U);
    take(queue, 2);
    EXPECT_EQ(queue.committed(), 5U);
    EXPECT_EQ(queue.taken(), 2U);
    take(queue, 9);
    queue.giveBack();
    put(queue, "6");
    EXPECT_EQ(queue.committed(), 6U);
    EXPECT_EQ(queue.taken(), 5U);
}

TEST(OutQueue, LendsItsMemory) {
    OutQueue queue;
    EXPECT_FALSE(queue.hasMemory());
    put(queue, "abc");
    EXPECT_TRUE(queue.hasMemory());
    EXPECT_EQ(take(queue, 3), "abc");
    OutQueue other;
    other.lend(queue.giveBack());
    EXPECT_FALSE(queue.hasMemory());
    put(other, std::string(5'000, 'x'));
    EXPECT_EQ(take(other, 9'000), std::string(5'000, 'x'));
    put(queue, "d");
    EXPECT_EQ(take(queue, 1), "d");
}

TEST(OutQueue, IsLikeAString) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed);
        OutQueue queue;
        std::string model;
        for (int step = 0; step < 3'000; ++step) {
            if (random() % 2 == 0) {
                const std::size_t most = random() % 50 == 0 ? 4'000 : 200;
                const std::string text(random() % most, static_cast<char>('a' + step % 26));
                put(queue, text, random() % 100);
                model += text;
            } else {
                const std::size_t room = random() % 300;
                ASSERT_EQ(take(queue, room), model.substr(0, room));
                model.erase(0, room);
            }
            if (random() % 10 == 0 && queue.empty())
                queue.giveBack();
            ASSERT_EQ(queue.size(), model.size());
            ASSERT_EQ(queue.empty(), model.empty());
            ASSERT_EQ(queue.committed() - queue.taken(), model.size());
        }
    }
}

}  // namespace
}  // namespace evergate::http2
