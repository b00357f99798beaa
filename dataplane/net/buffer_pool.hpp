// SPDX-License-Identifier: Apache-2.0
// Memory for the few connections that need some right now: idle ones own no buffer.
//
// One pool per worker, one thread. A Buffer gives its memory back when it is destroyed; the pool
// keeps a bounded number of free pieces and outlives every Buffer.
//
// All pools together keep to a BufferBudget, in three steps. From 3/4 of it on nothing free is kept
// and body reads ask for little (readShare). From 15/16 on the pool is full(): whatever is new is
// refused. When nothing is left, body reads that could leave bytes behind wait (starved). Buffers
// for what is under way already (a head to be composed, say) are always given; the last sixteenth
// is for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "dataplane/net/buffer_budget.hpp"

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

    void reset() noexcept {
        if (data_ != nullptr)
            giveBack();
    }

    void swap(Buffer& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
    }

private:
    friend class BufferPool;

    void giveBack() noexcept;

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

    // `budget`: null: no limit. `step`: how much is reserved of it at a time.
    explicit BufferPool(Limits limits, BufferBudget* budget = nullptr, std::size_t step = kStep);
    ~BufferPool();
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    Buffer small();
    Buffer large();

    std::size_t bytesInUse() const noexcept { return inUse_; }  // handed out, headroom included

    std::size_t bytesFree() const noexcept;  // kept for the next caller

    // How much memory what is read now may come to hold: kLarge, kSmall, or 0: none of it.
    std::size_t readShare() noexcept {
        if (budget_ == nullptr)
            return kLarge;
        if (pressure_ == Pressure::none && covered(kHeadroom + kLarge)) [[likely]]
            return kLarge;
        return covered(kSmall) ? kSmall : 0;
    }

    // A read was put off for want of memory; until the next look().
    void noteStarved() noexcept {
        starved_ = true;
        ++pauses_;
    }

    bool starved() const noexcept { return starved_; }

    bool full() const noexcept { return pressure_ == Pressure::full; }

    // Finds out what the other pools use; every now and then. `outside`: memory of the same kind
    // that others of this worker hold, which counts too.
    void look(std::size_t outside = 0) noexcept;

    std::uint64_t pauses() const noexcept { return pauses_; }  // reads put off

    // Times a buffer was given that the budget did not have.
    std::uint64_t overdrafts() const noexcept { return overdrafts_; }

private:
    friend class Buffer;
    enum class Pressure : std::uint8_t { none, high, full };
    static constexpr std::size_t kStep = 1024 * 1024;

    char* take(std::vector<char*>& free, std::size_t bytes);
    void giveBack(char* data, std::size_t capacity) noexcept;
    void release(char* piece, std::size_t bytes) noexcept;
    void freeAll(std::vector<char*>& free, std::size_t bytes) noexcept;
    void shrink() noexcept;
    void measure() noexcept;
    bool reserve(std::size_t bytes) noexcept;
    void cover(std::size_t bytes) noexcept;

    bool covered(std::size_t bytes) noexcept {
        return held_ + bytes <= reserved_ || reserve(bytes);
    }

    Limits limits_;
    std::vector<char*> freeSmall_;
    std::vector<char*> freeLarge_;
    std::size_t inUse_ = 0;
    BufferBudget* const budget_;
    const std::size_t step_;
    std::size_t held_ = 0;  // handed out, free, and outside_
    std::size_t outside_ = 0;
    std::size_t reserved_ = 0;  // of the budget; never less than held_
    std::uint64_t pauses_ = 0;
    std::uint64_t overdrafts_ = 0;
    Pressure pressure_ = Pressure::none;
    bool starved_ = false;
};

}  // namespace evergate::net
