// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/buffer_pool.hpp"

#include <new>

namespace evergate::net {

std::size_t Buffer::headroom() const noexcept {
    return capacity_ == BufferPool::kLarge ? BufferPool::kHeadroom : 0;
}

void Buffer::reset() noexcept {
    if (data_)
        pool_->giveBack(std::exchange(data_, nullptr), std::exchange(capacity_, 0));
}

BufferPool::BufferPool(Limits limits) : limits_(limits) {
    // So that giving back never allocates.
    freeSmall_.reserve(limits_.freeSmall);
    freeLarge_.reserve(limits_.freeLarge);
}

BufferPool::~BufferPool() {
    for (char* piece : freeSmall_)
        ::operator delete(piece);
    for (char* piece : freeLarge_)
        ::operator delete(piece);
}

char* BufferPool::take(std::vector<char*>& free, std::size_t bytes) {
    char* piece = nullptr;
    if (free.empty()) {
        piece = static_cast<char*>(::operator new(bytes));
    } else {
        piece = free.back();
        free.pop_back();
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
    std::vector<char*>& free = large ? freeLarge_ : freeSmall_;
    char* const piece = large ? data - kHeadroom : data;
    inUse_ -= large ? kHeadroom + kLarge : kSmall;
    if (free.size() < (large ? limits_.freeLarge : limits_.freeSmall)) {
        free.push_back(piece);
    } else {
        ::operator delete(piece);
    }
}

std::size_t BufferPool::bytesFree() const noexcept {
    return freeSmall_.size() * kSmall + freeLarge_.size() * (kHeadroom + kLarge);
}

}  // namespace evergate::net
