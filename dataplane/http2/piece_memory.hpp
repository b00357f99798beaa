// SPDX-License-Identifier: Apache-2.0
// Memory for nghttp2, which allocates a dozen small pieces for every stream and frees them again:
// freed ones are kept by size, up to a bound, for the next stream of any connection.
//
// Sizes are what malloc really gave (malloc_usable_size), so that a piece costs no more than
// without this. Outlives the nghttp2 objects that use it. One thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>

namespace evergate::http2 {

class PieceMemory {
public:
    // Free bytes kept at most.
    static constexpr std::size_t kKept = 512 * 1024;

    explicit PieceMemory(std::size_t kept = kKept) noexcept : limit_(kept) {}

    ~PieceMemory();
    PieceMemory(const PieceMemory&) = delete;
    PieceMemory& operator=(const PieceMemory&) = delete;

    // For nghttp2_session_*_new3(), which copies it.
    nghttp2_mem hooks() noexcept;

    std::size_t kept() const noexcept { return kept_; }

    // As malloc() and its kin.
    void* take(std::size_t size) noexcept;
    void* takeZeroed(std::size_t count, std::size_t size) noexcept;
    void* resize(void* piece, std::size_t size) noexcept;
    void giveBack(void* piece) noexcept;

private:
    struct Free {
        Free* next;
    };

    // malloc's own steps: pieces of class i have room for kLeast + i * kStep bytes.
    static constexpr std::size_t kLeast = 24;
    static constexpr std::size_t kStep = 16;
    static constexpr std::size_t kClasses = 64;

    std::array<Free*, kClasses> free_{};
    const std::size_t limit_;
    std::size_t kept_ = 0;
};

}  // namespace evergate::http2
