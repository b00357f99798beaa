// SPDX-License-Identifier: Apache-2.0
// Allocation hooks of C libraries that know who allocates, so that an encoder can tell what it
// holds. One thread per object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace evergate::http {

class CountedMemory {
public:
    std::size_t bytes() const noexcept { return bytes_; }

    // `self` is a CountedMemory*. Null when there is no memory.
    static void* take(void* self, std::size_t size) noexcept {
        auto* const piece =
            size <= SIZE_MAX - sizeof(Header) ? std::malloc(sizeof(Header) + size) : nullptr;
        if (piece == nullptr) {
            return nullptr;
        }
        static_cast<CountedMemory*>(self)->bytes_ += size;
        auto* const header = static_cast<Header*>(piece);
        header->size = size;
        return header + 1;
    }

    static void giveBack(void* self, void* memory) noexcept {
        if (memory == nullptr) {
            return;
        }
        Header* const header = static_cast<Header*>(memory) - 1;
        static_cast<CountedMemory*>(self)->bytes_ -= header->size;
        std::free(header);
    }

private:
    struct alignas(std::max_align_t) Header {
        std::size_t size;
    };

    std::size_t bytes_ = 0;
};

}  // namespace evergate::http
