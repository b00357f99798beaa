// SPDX-License-Identifier: Apache-2.0
// A configuration: the keyed map, with a content hash per entry and one root hash per lane.
//
// Two lanes travel separately: `config` (everything but endpoints) and `endpoints`. A root hash is
// the sum modulo 2^256 of SHA-256(key, content hash) over the entries of its lane, so that a delta
// costs its own size and not that of the map. It detects disagreement; it is not a signature.
// Values are shared and const: copying a Config copies pointers. Not thread-safe; a value type.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/values.hpp"

namespace evergate::model {

// First 128 bits of SHA-256 of the canonical JSON of a value.
using ContentHash = std::array<std::uint8_t, 16>;

enum class Lane : std::uint8_t { config, endpoints };
Lane laneOf(Kind kind) noexcept;

struct RootHash {
    std::array<std::uint64_t, 4> limbs{};  // little-endian limbs of a 256-bit number

    void add(const Key& key, const ContentHash& hash);
    void remove(const Key& key, const ContentHash& hash);
    std::string toHex() const;
    static std::optional<RootHash> fromHex(std::string_view text);
    friend bool operator==(const RootHash&, const RootHash&) = default;
};

struct Entry {
    ContentHash hash{};
    std::shared_ptr<const Value> value;
};

// Hashes the value (deterministic: same value, same hash, in every build).
Entry makeEntry(Value value);

class Config {
public:
    using Map = std::map<Key, Entry>;

    const Map& entries() const noexcept { return entries_; }

    const RootHash& root(Lane lane) const noexcept {
        return roots_[static_cast<std::size_t>(lane)];
    }

    std::size_t count(Kind kind) const noexcept { return counts_[static_cast<std::size_t>(kind)]; }

    // The value under `key` as a T, or null when absent.
    template <typename T>
    const T* find(const Key& key) const noexcept {
        const auto it = entries_.find(key);
        return it == entries_.end() ? nullptr : std::get_if<T>(it->second.value.get());
    }

    // Inserts or replaces. Requires kindOf(*entry.value) == key.kind.
    void put(const Key& key, Entry entry);

    void put(const Key& key, Value value) { put(key, makeEntry(std::move(value))); }

    bool erase(const Key& key);

private:
    Map entries_;
    std::array<RootHash, 2> roots_;
    std::array<std::size_t, kKinds> counts_{};
};

// What turns one configuration into another, within one lane.
struct Delta {
    std::vector<std::pair<Key, Entry>> upserts;  // sorted by key
    std::vector<Key> deletes;                    // sorted

    bool empty() const noexcept { return upserts.empty() && deletes.empty(); }
};

// apply(from, diff(from, to, lane)) has the same entries as `to` in that lane.
Delta diff(const Config& from, const Config& to, Lane lane);
void apply(Config& config, const Delta& delta);
// What takes the effect of `delta` on `before` back: apply(apply(before, d), inverse(before, d)) ==
// before.
Delta inverse(const Config& before, const Delta& delta);

}  // namespace evergate::model
