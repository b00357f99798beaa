// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace evergate::net {
namespace {

TEST(BufferPool, GivesBothSizes) {
    BufferPool pool;
    const Buffer small = pool.small();
    const Buffer large = pool.large();
    EXPECT_EQ(small.capacity(), BufferPool::kSmall);
    EXPECT_EQ(small.headroom(), 0u);
    EXPECT_EQ(large.capacity(), BufferPool::kLarge);
    EXPECT_EQ(large.headroom(), BufferPool::kHeadroom);
    std::memset(small.data(), 1, small.capacity());
    std::memset(large.data() - large.headroom(), 2, large.headroom() + large.capacity());
}

TEST(BufferPool, CountsWhatIsHandedOut) {
    BufferPool pool;
    EXPECT_EQ(pool.bytesInUse(), 0u);
    {
        const Buffer small = pool.small();
        const Buffer large = pool.large();
        EXPECT_EQ(pool.bytesInUse(),
                  BufferPool::kSmall + BufferPool::kLarge + BufferPool::kHeadroom);
    }
    EXPECT_EQ(pool.bytesInUse(), 0u);
    EXPECT_EQ(pool.bytesFree(), BufferPool::kSmall + BufferPool::kLarge + BufferPool::kHeadroom);
}

TEST(BufferPool, ReusesReturnedMemory) {
    BufferPool pool;
    Buffer first = pool.small();
    const char* const data = first.data();
    first.reset();
    EXPECT_FALSE(first);
    EXPECT_EQ(pool.small().data(), data);
}

TEST(BufferPool, KeepsOnlySoManyFreePieces) {
    BufferPool pool({.freeSmall = 2, .freeLarge = 0});
    {
        std::vector<Buffer> buffers;
        for (int i = 0; i < 5; ++i)
            buffers.push_back(pool.small());
        buffers.push_back(pool.large());
    }
    EXPECT_EQ(pool.bytesFree(), 2 * BufferPool::kSmall);
}

TEST(Buffer, MoveLeavesNothingBehind) {
    BufferPool pool;
    Buffer first = pool.small();
    Buffer second(std::move(first));
    EXPECT_FALSE(first);
    EXPECT_EQ(first.capacity(), 0u);
    EXPECT_TRUE(second);
    second = pool.small();
    EXPECT_EQ(pool.bytesInUse(), BufferPool::kSmall);
    second = Buffer();
    EXPECT_EQ(pool.bytesInUse(), 0u);
}

}  // namespace
}  // namespace evergate::net
