// SPDX-License-Identifier: Apache-2.0
// Octets that wait to be sent, in order: frames are written where they wait. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace evergate::http2 {

class OutQueue {
public:
    // Memory without contents, to be used by one queue after the other.
    struct Block {
        std::unique_ptr<char[]> data;
        std::size_t capacity = 0;
    };

    // Room for `size` more octets, to be written before the next call; throws std::bad_alloc.
    char* reserve(std::size_t size);

    // Of what was reserved so much is there.
    void commit(std::size_t size) noexcept { end_ += size; }

    // Out of the queue, up to `room` octets; how many.
    std::size_t take(char* into, std::size_t room) noexcept;

    std::size_t size() const noexcept { return end_ - begin_; }

    bool empty() const noexcept { return begin_ == end_; }

    // All octets ever committed, and taken: what was committed when the first stood at n is out
    // once the second is n.
    std::uint64_t committed() const noexcept { return taken_ + size(); }

    std::uint64_t taken() const noexcept { return taken_; }

    bool hasMemory() const noexcept { return block_.capacity != 0; }

    void lend(Block block) noexcept { block_ = std::move(block); }  // requires !hasMemory()

    Block giveBack() noexcept { return std::exchange(block_, {}); }  // requires empty()

private:
    static constexpr std::size_t kLeast = 512;

    Block block_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t taken_ = 0;
};

}  // namespace evergate::http2
