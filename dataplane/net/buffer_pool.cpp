// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/buffer_pool.hpp"

#include <cstdlib>
#include <exception>

#include <sanitizer/asan_interface.h>  // without AddressSanitizer its macros are nothing

namespace evergate::net {

std::size_t Buffer::headroom() const noexcept {
    return capacity_ == BufferPool::kLarge ? BufferPool::kHeadroom : 0;
}

void Buffer::giveBack() noexcept {
    pool_->giveBack(std::exchange(data_, nullptr), std::exchange(capacity_, 0));
}

BufferPool::BufferPool(Limits limits, BufferBudget* budget, std::size_t step)
    : limits_(limits), budget_(budget), step_(step) {
    // So that giving back never allocates.
    freeSmall_.reserve(limits_.freeSmall);
    freeLarge_.reserve(limits_.freeLarge);
}

BufferPool::~BufferPool() {
    freeAll(freeSmall_, kSmall);
    freeAll(freeLarge_, kHeadroom + kLarge);
    if (budget_ != nullptr)
        budget_->giveBack(reserved_);
}

char* BufferPool::take(std::vector<char*>& free, std::size_t bytes) {
    char* piece = nullptr;
    if (free.empty()) {
        cover(bytes);
        // Not new: what that gives is zeroed when it is given back (process/wiped_memory).
        piece = static_cast<char*>(std::malloc(bytes));
        if (piece == nullptr)
            std::terminate();  // as new would, without anybody to catch it
        held_ += bytes;
    } else {
        piece = free.back();
        free.pop_back();
        ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    }
    inUse_ += bytes;
    return piece;
}

Buffer BufferPool::small() {
    return Buffer(*this, take(freeSmall_, kSmall), kSmall);
}

Buffer BufferPool::large() {
    char* const piece = take(freeLarge_, kHeadroom + kLarge);
    return Buffer(*this, piece + kHeadroom, kLarge);
}

void BufferPool::giveBack(char* data, std::size_t capacity) noexcept {
    const bool large = capacity == kLarge;
    const std::size_t bytes = large ? kHeadroom + kLarge : kSmall;
    std::vector<char*>& free = large ? freeLarge_ : freeSmall_;
    char* const piece = large ? data - kHeadroom : data;
    inUse_ -= bytes;
    if (pressure_ == Pressure::none &&
        free.size() < (large ? limits_.freeLarge : limits_.freeSmall)) {
        free.push_back(piece);
        ASAN_POISON_MEMORY_REGION(piece, bytes);  // whoever still uses it is found
    } else {
        release(piece, bytes);
        shrink();
    }
}

void BufferPool::release(char* piece, std::size_t bytes) noexcept {
    std::free(piece);
    held_ -= bytes;
}

void BufferPool::freeAll(std::vector<char*>& free, std::size_t bytes) noexcept {
    for (char* piece : free) {
        ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
        release(piece, bytes);
    }
    free.clear();
}

// A step is kept for the next buffers while there is enough for everybody.
void BufferPool::shrink() noexcept {
    if (budget_ == nullptr)
        return;
    const std::size_t keep = pressure_ == Pressure::none ? step_ : 0;
    const std::size_t spare = reserved_ - held_;
    if (spare <= 2 * keep)
        return;
    budget_->giveBack(spare - keep);
    reserved_ -= spare - keep;
    measure();
}

void BufferPool::measure() noexcept {
    const std::size_t limit = budget_->limit();
    const std::size_t reserved = budget_->reserved();
    pressure_ = reserved >= limit - limit / 16  ? Pressure::full
                : reserved >= limit - limit / 4 ? Pressure::high
                                                : Pressure::none;
}

void BufferPool::look(std::size_t outside) noexcept {
    starved_ = false;
    if (budget_ == nullptr)
        return;
    if (outside > outside_)
        cover(outside - outside_);
    held_ += outside - outside_;
    outside_ = outside;
    measure();
    if (pressure_ == Pressure::none)
        return;
    freeAll(freeSmall_, kSmall);
    freeAll(freeLarge_, kHeadroom + kLarge);
    shrink();
}

// Under pressure only what is needed.
bool BufferPool::reserve(std::size_t bytes) noexcept {
    const std::size_t needed = held_ + bytes - reserved_;
    const std::size_t step = pressure_ == Pressure::none && step_ > needed ? step_ : needed;
    if (budget_->tryReserve(step)) {
        reserved_ += step;
        measure();
        return true;
    }
    measure();
    if (step == needed || !budget_->tryReserve(needed))
        return false;
    reserved_ += needed;
    return true;
}

void BufferPool::cover(std::size_t bytes) noexcept {
    if (budget_ == nullptr || covered(bytes))
        return;
    const std::size_t missing = held_ + bytes - reserved_;
    budget_->reserveAnyway(missing);
    reserved_ += missing;
    ++overdrafts_;
    measure();
}

std::size_t BufferPool::bytesFree() const noexcept {
    return freeSmall_.size() * kSmall + freeLarge_.size() * (kHeadroom + kLarge);
}

}  // namespace evergate::net
