// SPDX-License-Identifier: Apache-2.0
// The streams of one connection by their number: a hash table with open addressing, which is as
// large as the streams it holds need and nothing without any. It owns none. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/http2/stream.hpp"

namespace evergate::http2 {

class StreamTable {
public:
    Stream* find(std::uint32_t id) noexcept;

    void insert(Stream& stream);  // which is not in it
    void erase(Stream& stream) noexcept;

    std::size_t size() const noexcept { return size_; }

    bool empty() const noexcept { return size_ == 0; }

    void rest() noexcept;  // gives memory back, if it is empty

    // visit(Stream&), which must neither insert nor erase.
    template <typename Visit>
    void forEach(Visit&& visit) {
        for (Stream* const stream : slots_) {
            if (stream != nullptr)
                visit(*stream);
        }
    }

private:
    static constexpr std::size_t kLeast = 8;

    std::size_t mask() const noexcept { return slots_.size() - 1; }

    // Numbers come one after the other: they are scattered, or what is erased would be followed by
    // all of them (Knuth's multiplicative hashing).
    std::size_t homeOf(std::uint32_t id) const noexcept {
        const int bits = std::countr_zero(slots_.size());
        return (id * 0x9e37'79b1U) >> (32 - bits);
    }

    void put(Stream& stream) noexcept;
    void grow();

    std::vector<Stream*> slots_;  // a power of two, at most half of them in use
    Stream* last_ = nullptr;      // found, which often is the next, too
    std::size_t size_ = 0;
};

}  // namespace evergate::http2
