// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/piece_memory.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace evergate::http2 {
namespace {

// malloc may give more than was asked for: that counts.
TEST(PieceMemory, GivesAPieceAgainToWhoWantsItsSize) {
    PieceMemory memory;
    void* const first = memory.take(100);
    void* const other = memory.take(100);
    ASSERT_NE(first, nullptr);
    ASSERT_NE(other, first);
    const std::size_t room = (::malloc_usable_size(first) - 8) / 16 * 16 + 8;
    memory.giveBack(first);
    EXPECT_EQ(memory.kept(), room);
    ASSERT_EQ(memory.take(room), first);
    EXPECT_EQ(memory.kept(), 0u);
    memory.giveBack(other);
    memory.giveBack(first);
    memory.giveBack(nullptr);
}

TEST(PieceMemory, HoldsWhatWasAskedForWhateverCameBefore) {
    PieceMemory memory;
    std::vector<void*> pieces;
    for (int round = 0; round < 3; ++round) {
        for (std::size_t size = 0; size < 2'000; size += 7) {
            pieces.push_back(memory.take(size));
            std::memset(pieces.back(), 0x5a, size);  // the sanitizer sees what is too small
        }
        while (!pieces.empty()) {
            memory.giveBack(pieces.back());
            pieces.pop_back();
        }
    }
}

TEST(PieceMemory, KeepsABoundedAmount) {
    PieceMemory memory(1'000);
    std::vector<void*> pieces;
    for (int i = 0; i < 100; ++i)
        pieces.push_back(memory.take(200));
    for (void* const piece : pieces)
        memory.giveBack(piece);
    EXPECT_LE(memory.kept(), 1'000u);
    EXPECT_GT(memory.kept(), 0u);
}

TEST(PieceMemory, ServesEveryHook) {
    PieceMemory memory;
    const nghttp2_mem hooks = memory.hooks();
    auto* piece = static_cast<char*>(hooks.malloc(40, hooks.mem_user_data));
    std::memset(piece, 'x', 40);
    hooks.free(piece, hooks.mem_user_data);
    piece = static_cast<char*>(hooks.calloc(5, 8, hooks.mem_user_data));
    for (int i = 0; i < 40; ++i)
        EXPECT_EQ(piece[i], 0);
    std::memset(piece, 'y', 40);
    piece = static_cast<char*>(hooks.realloc(piece, 5'000, hooks.mem_user_data));
    EXPECT_EQ(piece[39], 'y');
    EXPECT_EQ(hooks.realloc(piece, 100, hooks.mem_user_data), piece);
    hooks.free(piece, hooks.mem_user_data);
    piece = static_cast<char*>(hooks.realloc(nullptr, 30, hooks.mem_user_data));
    EXPECT_NE(piece, nullptr);
    hooks.free(piece, hooks.mem_user_data);
    EXPECT_EQ(hooks.calloc(SIZE_MAX / 2, 3, hooks.mem_user_data), nullptr);
}

}  // namespace
}  // namespace evergate::http2
