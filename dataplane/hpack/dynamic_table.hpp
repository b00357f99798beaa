// SPDX-License-Identifier: Apache-2.0
// The dynamic table of one direction of a connection (RFC 7541 §2.3.2, §4), of at most kMaxSize
// octets as §4.1 counts them. Used by one thread at a time.
//
// One block of memory, none while nothing was inserted: the strings of the entries grow from its
// start, oldest first, their descriptors from its end. When both meet, what is alive moves into a
// new block; so there is no wrap-around, and every string is contiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace evergate::hpack {

class DynamicTable {
public:
    static constexpr std::size_t kMaxSize = 4096;
    static constexpr std::size_t kEntryOverhead = 32;  // §4.1
    static constexpr std::size_t kMaxEntries = kMaxSize / kEntryOverhead;

    struct Entry {
        std::string_view name;
        std::string_view value;
    };

    // By §4.1; not bounded.
    static constexpr std::size_t sizeOf(std::string_view name, std::string_view value) noexcept {
        return name.size() + value.size() + kEntryOverhead;
    }

    std::size_t count() const noexcept { return std::size_t{slots_} - firstSlot_; }

    std::size_t size() const noexcept { return size_; }

    std::size_t maxSize() const noexcept { return maxSize_; }

    // 0 is the newest; requires index < count(). The views are valid until the next change.
    Entry at(std::size_t index) const noexcept {
        const Slot& found = *slotAt(slots_ - 1U - index);
        const char* const name = block_.get() + found.begin;
        return {{name, found.nameSize}, {name + found.nameSize, found.valueSize}};
    }

    // Evicts what has to go (§4.4). False: the entry is larger than the table, which is empty now.
    // `name` may be a view into this table, even of an entry that has to go. Throws
    // std::bad_alloc.
    bool insert(std::string_view name, std::string_view value);

    // At most kMaxSize. Evicts what is too much (§4.3).
    void resize(std::size_t maxSize) noexcept;

    void clear() noexcept;    // keeps the memory
    void release() noexcept;  // clears, keeps no memory
    void shrink() noexcept;   // keeps the memory that the contents need

private:
    struct Slot {
        std::uint16_t begin;
        std::uint16_t nameSize;
        std::uint16_t valueSize;
    };

    using Block = std::unique_ptr<char[]>;

    // From the end of the block; a char array may hold them.
    Slot* slotAt(std::size_t number) const noexcept {
        return reinterpret_cast<Slot*>(block_.get() + capacity_) - 1 - number;
    }

    std::size_t liveOctets() const noexcept;
    void evictTo(std::size_t size) noexcept;
    Block moveTo(Block block, std::size_t capacity) noexcept;
    void append(std::string_view name, std::string_view value) noexcept;

    Block block_;
    std::uint16_t capacity_ = 0;   // of the block; even, for the slots
    std::uint16_t begin_ = 0;      // of the oldest entry's strings
    std::uint16_t end_ = 0;        // of the newest entry's strings
    std::uint16_t firstSlot_ = 0;  // the oldest entry's
    std::uint16_t slots_ = 0;      // used, with those of evicted entries
    std::uint16_t size_ = 0;       // §4.1
    std::uint16_t maxSize_ = kMaxSize;
};

}  // namespace evergate::hpack
