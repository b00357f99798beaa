// SPDX-License-Identifier: Apache-2.0
// How much memory the buffers of all workers may take together.
//
// Workers reserve it in steps, so that this is touched once per mebibyte and not per buffer.
// Atomics, no locks; any thread.
#pragma once

#include <atomic>
#include <cstddef>

namespace evergate::net {

class BufferBudget {
public:
    explicit BufferBudget(std::size_t limit) noexcept : limit_(limit) {}

    std::size_t limit() const noexcept { return limit_; }

    // May exceed the limit by what had to be: BufferPool says when.
    std::size_t reserved() const noexcept { return reserved_.load(std::memory_order_relaxed); }

    bool tryReserve(std::size_t bytes) noexcept {
        std::size_t reserved = reserved_.load(std::memory_order_relaxed);
        while (bytes <= limit_ && reserved <= limit_ - bytes) {
            if (reserved_.compare_exchange_weak(reserved, reserved + bytes,
                                                std::memory_order_relaxed))
                return true;
        }
        return false;
    }

    void reserveAnyway(std::size_t bytes) noexcept {
        reserved_.fetch_add(bytes, std::memory_order_relaxed);
    }

    void giveBack(std::size_t bytes) noexcept {
        reserved_.fetch_sub(bytes, std::memory_order_relaxed);
    }

private:
    using SharedBytes = std::atomic<std::size_t>;  // layering: allow locks: once per step

    const std::size_t limit_;
    SharedBytes reserved_{0};
};

}  // namespace evergate::net
