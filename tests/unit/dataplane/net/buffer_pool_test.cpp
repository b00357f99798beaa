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

// However many were needed at once: what a worker holds while nothing happens has a bound.
TEST(BufferPool, KeepsSixMebibytesAtMostByDefault) {
    BufferPool pool;
    {
        std::vector<Buffer> buffers;
        for (int i = 0; i < 500; ++i)
            buffers.push_back(pool.small());
        for (int i = 0; i < 50; ++i)
            buffers.push_back(pool.large());
    }
    EXPECT_EQ(pool.bytesInUse(), 0u);
    EXPECT_EQ(pool.bytesFree(),
              128 * BufferPool::kSmall + 16 * (BufferPool::kLarge + BufferPool::kHeadroom));
    EXPECT_LT(pool.bytesFree(), std::size_t{6'400} * 1024);
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

constexpr std::size_t kLargePiece = BufferPool::kLarge + BufferPool::kHeadroom;

// As many small pieces as `bytes` hold.
std::vector<Buffer> smallPieces(BufferPool& pool, std::size_t bytes) {
    std::vector<Buffer> pieces;
    for (; bytes >= BufferPool::kSmall; bytes -= BufferPool::kSmall)
        pieces.push_back(pool.small());
    return pieces;
}

TEST(BufferBudget, IsNeverExceededByAsking) {
    BufferBudget budget(100);
    EXPECT_TRUE(budget.tryReserve(60));
    EXPECT_FALSE(budget.tryReserve(41));
    EXPECT_FALSE(budget.tryReserve(1'000));
    EXPECT_TRUE(budget.tryReserve(40));
    EXPECT_FALSE(budget.tryReserve(1));
    budget.giveBack(10);
    EXPECT_TRUE(budget.tryReserve(10));
    EXPECT_EQ(budget.reserved(), 100u);
}

TEST(BufferPool, WithoutABudgetNothingIsRefused) {
    BufferPool pool;
    const auto pieces = smallPieces(pool, 4 << 20);
    EXPECT_EQ(pool.readShare(), BufferPool::kLarge);
    EXPECT_FALSE(pool.full());
}

TEST(BufferPool, ReservesInStepsAndGivesThemBack) {
    BufferBudget budget(64 << 20);
    {
        BufferPool pool({.freeSmall = 0, .freeLarge = 0}, &budget);
        Buffer first = pool.small();
        EXPECT_EQ(budget.reserved(), 1u << 20);
        auto pieces = smallPieces(pool, 4 << 20);
        EXPECT_EQ(budget.reserved(), 5u << 20);
        pieces.clear();
        // One step stays for the next ones, and a little more so as not to go to and fro.
        EXPECT_LE(budget.reserved(), 3u << 20);
        EXPECT_GE(budget.reserved(), pool.bytesInUse());
        first.reset();
    }
    EXPECT_EQ(budget.reserved(), 0u);
}

TEST(BufferPool, ReadsLessAndKeepsNothingFreeUnderPressure) {
    BufferBudget budget(1 << 20);
    BufferPool pool({}, &budget, 16 * 1024);
    EXPECT_EQ(pool.readShare(), BufferPool::kLarge);
    pool.large().reset();
    EXPECT_EQ(pool.bytesFree(), kLargePiece);
    auto pieces = smallPieces(pool, 12 * 64 * 1024);
    pool.look();
    EXPECT_EQ(pool.bytesFree(), 0u);
    EXPECT_EQ(pool.readShare(), BufferPool::kSmall);
    EXPECT_FALSE(pool.full());
    pieces.clear();
    pool.look();
    EXPECT_EQ(pool.readShare(), BufferPool::kLarge);
}

TEST(BufferPool, IsFullBeforeNothingIsLeft) {
    BufferBudget budget(1 << 20);
    BufferPool pool({}, &budget, 16 * 1024);
    auto pieces = smallPieces(pool, 15 * 64 * 1024);
    EXPECT_TRUE(pool.full());
    EXPECT_EQ(pool.readShare(), BufferPool::kSmall);
    auto rest = smallPieces(pool, 64 * 1024);
    EXPECT_EQ(pool.readShare(), 0u);
    EXPECT_EQ(budget.reserved(), 1u << 20);
    EXPECT_EQ(pool.overdrafts(), 0u);
    // What is under way gets its buffer all the same, and it is counted.
    Buffer beyond = pool.small();
    EXPECT_EQ(pool.overdrafts(), 1u);
    EXPECT_EQ(budget.reserved(), (1u << 20) + BufferPool::kSmall);
    beyond.reset();
    EXPECT_EQ(budget.reserved(), 1u << 20);
    rest.clear();
    pieces.clear();
    pool.look();
    EXPECT_FALSE(pool.full());
}

TEST(BufferPool, SeesWhatOthersUse) {
    BufferBudget budget(1 << 20);
    BufferPool one({}, &budget, 16 * 1024);
    BufferPool other({}, &budget, 16 * 1024);
    const Buffer few = other.small();
    {
        const auto pieces = smallPieces(one, 15 * 64 * 1024);
        EXPECT_FALSE(other.full());
        other.look();
        EXPECT_TRUE(other.full());
    }
    other.look();
    EXPECT_FALSE(other.full());
}

TEST(BufferPool, CountsWhatOthersOfItsWorkerHold) {
    BufferBudget budget(1 << 20);
    {
        BufferPool pool({}, &budget, 16 * 1024);
        const auto pieces = smallPieces(pool, 8 * 64 * 1024);
        pool.look(7 * 64 * 1024);
        EXPECT_TRUE(pool.full());
        EXPECT_EQ(budget.reserved(), 15u * 64 * 1024);
        pool.look(1 << 20);
        EXPECT_EQ(pool.readShare(), 0u);
        pool.look(0);
        EXPECT_FALSE(pool.full());
        EXPECT_EQ(pool.readShare(), BufferPool::kLarge);
    }
    EXPECT_EQ(budget.reserved(), 0u);
}

TEST(BufferPool, IsStarvedUntilTheNextLook) {
    BufferBudget budget(1 << 20);
    BufferPool pool({}, &budget);
    pool.noteStarved();
    EXPECT_TRUE(pool.starved());
    EXPECT_EQ(pool.pauses(), 1u);
    pool.look();
    EXPECT_FALSE(pool.starved());
}

}  // namespace
}  // namespace evergate::net
