// SPDX-License-Identifier: Apache-2.0
// The encoders of a worker's responses: lent one by one, kept for the next when that saves work.
//
// What all of them may hold together is bounded: each counts with the most it can come to hold
// before it is made, and what does not fit, or comes while buffer memory is full, is not compressed
// at all. One worker thread; outlives every response.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/http/compressor.hpp"
#include "dataplane/net/buffer_pool.hpp"

namespace evergate::session {

// Plain integers of one worker, copied when somebody scrapes.
struct CompressionCounts {
    std::array<std::uint64_t, http::kContentCodings> responses{};  // by coding, when they began
    std::uint64_t bytesIn = 0;                                     // of their bodies
    std::uint64_t bytesOut = 0;
    std::uint64_t denied = 0;  // left as they were for want of memory
    std::size_t memory = 0;    // reserved now

    void add(const CompressionCounts& other) noexcept;
};

class CompressorPool {
public:
    // Of one worker, when there is no limit of buffer memory to take a share of.
    static constexpr std::size_t kUsualLimit = 128 * 1024 * 1024;

    explicit CompressorPool(const net::BufferPool& buffers) noexcept : buffers_(buffers) {}

    CompressorPool(const CompressorPool&) = delete;
    CompressorPool& operator=(const CompressorPool&) = delete;

    void limitTo(std::size_t bytes) noexcept { limit_ = bytes; }

    // Null: no memory for it.
    std::unique_ptr<http::Compressor> take(http::ContentCoding coding, http::CompressorSize size);
    void giveBack(std::unique_ptr<http::Compressor> compressor);

    const CompressionCounts& counts() const noexcept { return counts_; }

    std::size_t bytes() const noexcept { return counts_.memory; }

private:
    // Free ones of each coding and size; a normal zstd holds most, 1.6 MiB.
    static constexpr std::size_t kFree = 2;
    using Free = std::vector<std::unique_ptr<http::Compressor>>;

    Free& freeOf(http::ContentCoding coding, http::CompressorSize size) noexcept;
    bool reserve(std::size_t bytes) noexcept;
    void drop(std::unique_ptr<http::Compressor> compressor) noexcept;

    const net::BufferPool& buffers_;
    std::size_t limit_ = kUsualLimit;
    std::array<std::array<Free, 2>, http::kContentCodings> free_;
    CompressionCounts counts_;
};

}  // namespace evergate::session
