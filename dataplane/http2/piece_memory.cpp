// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/piece_memory.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace evergate::http2 {

PieceMemory::~PieceMemory() {
    for (Free* first : free_) {
        while (first != nullptr) {
            Free* const next = first->next;
            std::free(first);
            first = next;
        }
    }
}

void* PieceMemory::take(std::size_t size) noexcept {
    const std::size_t index = size <= kLeast ? 0 : (size - kLeast + kStep - 1) / kStep;
    if (index >= kClasses)
        return std::malloc(size);
    const std::size_t room = kLeast + index * kStep;
    Free* const first = free_[index];
    if (first == nullptr)
        return std::malloc(room);
    free_[index] = first->next;
    kept_ -= room;
    return first;
}

void PieceMemory::giveBack(void* piece) noexcept {
    if (piece == nullptr)
        return;
    const std::size_t size = ::malloc_usable_size(piece);
    const std::size_t index = size < kLeast ? kClasses : (size - kLeast) / kStep;
    const std::size_t room = kLeast + index * kStep;
    if (index >= kClasses || kept_ + room > limit_)
        return std::free(piece);
    auto* const first = static_cast<Free*>(piece);
    first->next = free_[index];
    free_[index] = first;
    kept_ += room;
}

void* PieceMemory::resize(void* piece, std::size_t size) noexcept {
    const std::size_t before = piece == nullptr ? 0 : ::malloc_usable_size(piece);
    if (piece != nullptr && size <= before)
        return piece;
    void* const bigger = take(size);
    if (bigger == nullptr)
        return nullptr;
    if (piece != nullptr)
        std::memcpy(bigger, piece, before);
    giveBack(piece);
    return bigger;
}

void* PieceMemory::takeZeroed(std::size_t count, std::size_t size) noexcept {
    if (size != 0 && count > SIZE_MAX / size)
        return nullptr;
    void* const piece = take(count * size);
    return piece == nullptr ? nullptr : std::memset(piece, 0, count * size);
}

nghttp2_mem PieceMemory::hooks() noexcept {
    using Self = PieceMemory*;
    return {this, [](std::size_t size, void* self) { return static_cast<Self>(self)->take(size); },
            [](void* piece, void* self) { static_cast<Self>(self)->giveBack(piece); },
            [](std::size_t count, std::size_t size, void* self) {
                return static_cast<Self>(self)->takeZeroed(count, size);
            },
            [](void* piece, std::size_t size, void* self) {
                return static_cast<Self>(self)->resize(piece, size);
            }};
}

}  // namespace evergate::http2
