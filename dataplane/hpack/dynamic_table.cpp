// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/dynamic_table.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace evergate::hpack {
namespace {

constexpr std::size_t kFirstCapacity = 512;

// Half of what is alive is free in a new block, so each octet is moved two times on average.
constexpr std::size_t capacityFor(std::size_t octets) noexcept {
    const std::size_t roomy = octets + octets / 2;
    return std::max(kFirstCapacity, (roomy + 63) / 64 * 64);
}

char* copyTo(char* out, std::string_view text) noexcept {
    if (!text.empty())
        std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

}  // namespace

std::size_t DynamicTable::liveOctets() const noexcept {
    return end_ - begin_ + count() * sizeof(Slot);
}

bool DynamicTable::insert(std::string_view name, std::string_view value) {
    const std::size_t size = sizeOf(name, value);
    if (size > maxSize_) {
        clear();
        return false;
    }
    evictTo(maxSize_ - size);
    const std::size_t octets = name.size() + value.size() + sizeof(Slot);
    Block old;  // `name` may be in it
    if (end_ + slots_ * sizeof(Slot) + octets > capacity_) {
        const std::size_t capacity = capacityFor(liveOctets() + octets);
        old = moveTo(Block(new char[capacity]), capacity);
    }
    append(name, value);
    return true;
}

// Requires room for it. What is evicted was left where it is, so nothing is overwritten.
void DynamicTable::append(std::string_view name, std::string_view value) noexcept {
    char* const begin = block_.get() + end_;
    char* const end = copyTo(copyTo(begin, name), value);
    *slotAt(slots_) = {end_, static_cast<std::uint16_t>(name.size()),
                       static_cast<std::uint16_t>(value.size())};
    ++slots_;
    end_ = static_cast<std::uint16_t>(end_ + (end - begin));
    size_ = static_cast<std::uint16_t>(size_ + sizeOf(name, value));
}

void DynamicTable::evictTo(std::size_t size) noexcept {
    while (size_ > size) {
        const Slot& oldest = *slotAt(firstSlot_);
        const std::size_t octets = std::size_t{oldest.nameSize} + oldest.valueSize;
        begin_ = static_cast<std::uint16_t>(begin_ + octets);
        size_ = static_cast<std::uint16_t>(size_ - octets - kEntryOverhead);
        ++firstSlot_;
    }
}

// Returns the block that was. The new one has room for all that is alive.
DynamicTable::Block DynamicTable::moveTo(Block block, std::size_t capacity) noexcept {
    DynamicTable to;
    to.block_ = std::move(block);
    to.capacity_ = static_cast<std::uint16_t>(capacity);
    to.size_ = size_;
    to.maxSize_ = maxSize_;
    to.end_ = static_cast<std::uint16_t>(end_ - begin_);
    if (to.end_ != 0)
        std::memcpy(to.block_.get(), block_.get() + begin_, to.end_);
    for (std::size_t i = firstSlot_; i < slots_; ++i) {
        Slot moved = *slotAt(i);
        moved.begin = static_cast<std::uint16_t>(moved.begin - begin_);
        *to.slotAt(to.slots_++) = moved;
    }
    std::swap(*this, to);
    return std::move(to.block_);
}

void DynamicTable::resize(std::size_t maxSize) noexcept {
    maxSize_ = static_cast<std::uint16_t>(maxSize);
    evictTo(maxSize);
}

void DynamicTable::clear() noexcept {
    begin_ = end_ = firstSlot_ = slots_ = size_ = 0;
}

void DynamicTable::release() noexcept {
    clear();
    capacity_ = 0;
    block_.reset();
}

void DynamicTable::shrink() noexcept {
    if (count() == 0)
        return release();
    const std::size_t needed = (liveOctets() + 1) / 2 * 2;
    if (needed == capacity_)
        return;
    if (Block block{new (std::nothrow) char[needed]})
        moveTo(std::move(block), needed);
}

}  // namespace evergate::hpack
