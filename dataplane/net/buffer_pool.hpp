// SPDX-License-Identifier: Apache-2.0
// Memory for the few connections that need some right now: idle ones own no buffer.
//
// One pool per worker, one thread. A Buffer gives its memory back when it is destroyed; the pool
// keeps a bounded number of free pieces and outlives every Buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace evergate::net {

class BufferPool;

// Unique handle; empty by default.
class Buffer {
public:
    Buffer() = default;

    Buffer(Buffer&& other) noexcept { swap(other); }

    Buffer& operator=(Buffer&& other) noexcept {
        Buffer(std::move(other)).swap(*this);
        return *this;
    }

    ~Buffer() { reset(); }

    char* data() const noexcept { return data_; }

    std::size_t capacity() const noexcept { return capacity_; }

    // Writable bytes in front of data(): an edited head goes there, directly before the body.
    std::size_t headroom() const noexcept;

    explicit operator bool() const noexcept { return data_ != nullptr; }

    void reset() noexcept;

    void swap(Buffer& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
    }

private:
    friend class BufferPool;

    Buffer(BufferPool& pool, char* data, std::uint32_t capacity) noexcept
        : pool_(&pool), data_(data), capacity_(capacity) {}

    BufferPool* pool_ = nullptr;
    char* data_ = nullptr;
    std::uint32_t capacity_ = 0;
};

class BufferPool {
public:
    static constexpr std::size_t kSmall = 16 * 1024;
    static constexpr std::size_t kLarge = 256 * 1024;
    static constexpr std::size_t kHeadroom = 4 * 1024;  // of large buffers; small ones have none

    struct Limits {
        std::size_t freeSmall = 128;  // free pieces kept
        std::size_t freeLarge = 16;
    };

    BufferPool() : BufferPool(Limits{}) {}

    explicit BufferPool(Limits limits);
    ~BufferPool();
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    Buffer small();
    Buffer large();

    std::size_t bytesInUse() const noexcept { return inUse_; }  // handed out, headroom included

    std::size_t bytesFree() const noexcept;  // kept for the next caller

private:
    friend class Buffer;
    char* take(std::vector<char*>& free, std::size_t bytes);
    void giveBack(char* data, std::size_t capacity) noexcept;

    Limits limits_;
    std::vector<char*> freeSmall_;
    std::vector<char*> freeLarge_;
    std::size_t inUse_ = 0;
};

}  // namespace evergate::net
