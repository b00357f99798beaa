// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/compressor_pool.hpp"

#include <gtest/gtest.h>

namespace evergate::session {
namespace {

using http::CompressorSize;
using http::ContentCoding;

constexpr auto kNormal = CompressorSize::normal;
constexpr auto kLittle = CompressorSize::little;

TEST(CompressorPool, LendsUntilTheLimitAndKeepsAFew) {
    const net::BufferPool buffers;
    CompressorPool pool(buffers);
    const std::size_t one = http::memoryBound(ContentCoding::gzip, kNormal);
    pool.limitTo(3 * one);
    std::vector<std::unique_ptr<http::Compressor>> lent;
    for (int i = 0; i < 3; ++i) {
        lent.push_back(pool.take(ContentCoding::gzip, kNormal));
        ASSERT_NE(lent.back(), nullptr);
    }
    EXPECT_EQ(pool.bytes(), 3 * one);
    EXPECT_EQ(pool.take(ContentCoding::gzip, kNormal), nullptr);
    EXPECT_EQ(pool.take(ContentCoding::gzip, kLittle), nullptr);
    EXPECT_EQ(pool.counts().denied, 2u);
    for (auto& each : lent)
        pool.giveBack(std::move(each));
    EXPECT_EQ(pool.bytes(), 2 * one);
    const auto again = pool.take(ContentCoding::gzip, kNormal);
    EXPECT_EQ(again->taken(), 0u);
    EXPECT_EQ(pool.bytes(), 2 * one);
    EXPECT_EQ(pool.counts().responses[static_cast<std::size_t>(ContentCoding::gzip)], 4u);
}

TEST(CompressorPool, FreeOnesMakeRoomForOthers) {
    const net::BufferPool buffers;
    CompressorPool pool(buffers);
    pool.limitTo(http::memoryBound(ContentCoding::br, kNormal));
    pool.giveBack(pool.take(ContentCoding::zstd, kNormal));
    EXPECT_EQ(pool.bytes(), http::memoryBound(ContentCoding::zstd, kNormal));
    auto brotli = pool.take(ContentCoding::br, kNormal);
    ASSERT_NE(brotli, nullptr);
    EXPECT_EQ(pool.bytes(), http::memoryBound(ContentCoding::br, kNormal));
    pool.giveBack(std::move(brotli));  // good for one body only
    EXPECT_EQ(pool.bytes(), 0u);
}

TEST(CompressorPool, CountsWhatBodiesBecame) {
    const net::BufferPool buffers;
    CompressorPool pool(buffers);
    auto gzip = pool.take(ContentCoding::gzip, kLittle);
    char out[1024];
    const auto step =
        gzip->step(std::string(500, 'x'), out, sizeof out, http::BodyFilter::Until::end);
    EXPECT_TRUE(step.done);
    pool.giveBack(std::move(gzip));
    EXPECT_EQ(pool.counts().bytesIn, 500u);
    EXPECT_EQ(pool.counts().bytesOut, step.produced);
    CompressionCounts twice = pool.counts();
    twice.add(pool.counts());
    EXPECT_EQ(twice.bytesIn, 1'000u);
}

TEST(CompressorPool, LendsNothingWhileBufferMemoryIsFull) {
    net::BufferBudget budget(1024 * 1024);
    net::BufferPool buffers({}, &budget, 4096);
    CompressorPool pool(buffers);
    auto lent = pool.take(ContentCoding::gzip, kNormal);
    budget.reserveAnyway(1024 * 1024);
    buffers.look();
    ASSERT_TRUE(buffers.full());
    EXPECT_EQ(pool.take(ContentCoding::gzip, kNormal), nullptr);
    pool.giveBack(std::move(lent));  // and keeps nothing
    EXPECT_EQ(pool.bytes(), 0u);
    budget.giveBack(1024 * 1024);
    buffers.look();
    EXPECT_NE(pool.take(ContentCoding::gzip, kNormal), nullptr);
}

}  // namespace
}  // namespace evergate::session
