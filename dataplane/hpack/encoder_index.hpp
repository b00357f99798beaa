// SPDX-License-Identifier: Apache-2.0
// Finds entries of the encoder's dynamic table by their name and value, or by their name. Knows
// which may match, by hash; the table knows what is there. One thread at a time.
//
// Hash chains as of LZ77: a bucket knows its newest entry, each entry the next older one of its
// bucket. Evicted entries are not taken out: an entry is alive by its age alone, and along a chain
// the age must grow; a link that does not obey is a left-over of an evicted entry.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/hpack/dynamic_table.hpp"
#include "dataplane/hpack/lowered_name.hpp"

namespace evergate::hpack {

class EncoderIndex {
public:
    // What is looked for.
    struct Key {
        const LoweredName& name;
        std::size_t staticName;  // its first entry in the static table; 0: none
        std::string_view value;
        std::uint32_t hash;
    };

    static Key keyOf(const LoweredName& name, std::size_t staticName,
                     std::string_view value) noexcept {
        const std::uint64_t hash = mixSample(name.hash(), value);
        return {name, staticName, value, static_cast<std::uint32_t>(hash)};
    }

    // Of what was inserted into the table last.
    void add(const Key& key) noexcept;

    // An index into the table.
    std::optional<std::size_t> find(const DynamicTable& table, const Key& key) const noexcept;
    std::optional<std::size_t> findName(const DynamicTable& table,
                                        const LoweredName& name) const noexcept;

private:
    static constexpr std::size_t kBuckets = 64;

    // Numbers of entries: they are counted, modulo 2^16.
    struct Link {
        std::uint32_t hash = 0;
        std::uint16_t older = 0;      // of the same bucket of names and values
        std::uint16_t olderName = 0;  // of the same bucket of names
        std::uint16_t staticName = 0;
    };

    using Buckets = std::array<std::uint16_t, kBuckets>;

    std::size_t age(std::uint16_t number) const noexcept {
        return static_cast<std::uint16_t>(next_ - number);  // 1: the newest
    }

    const Link& link(std::uint16_t number) const noexcept {
        return links_[number % DynamicTable::kMaxEntries];
    }

    Buckets fields_{};
    Buckets names_{};
    std::array<Link, DynamicTable::kMaxEntries> links_{};
    std::uint16_t next_ = 0;
};

}  // namespace evergate::hpack
