// SPDX-License-Identifier: Apache-2.0
#include "common/model/config.hpp"

#include <algorithm>
#include <cassert>

#include "common/model/json.hpp"
#include "common/model/sha256.hpp"

namespace evergate::model {
namespace {

using Iterator = Config::Map::const_iterator;

struct Range {
    Iterator first;
    Iterator last;
};

// The entries of a lane: endpoints lie together in the map, the rest before and after them. A
// change of one Backend's endpoints must not walk every route.
std::array<Range, 2> rangesOf(const Config& config, Lane lane) {
    const Config::Map& map = config.entries();
    const Iterator first = map.lower_bound(Key{Kind::endpoints, {}});
    const Iterator last = map.lower_bound(Key{Kind::route, {}});
    if (lane == Lane::endpoints) {
        return {Range{first, last}, Range{map.end(), map.end()}};
    }
    return {Range{map.begin(), first}, Range{last, map.end()}};
}

void diffRange(Range from, Range to, Delta& delta) {
    while (from.first != from.last || to.first != to.last) {
        if (to.first == to.last ||
            (from.first != from.last && from.first->first < to.first->first)) {
            delta.deletes.push_back(from.first->first);
            ++from.first;
        } else if (from.first == from.last || to.first->first < from.first->first) {
            delta.upserts.emplace_back(*to.first);
            ++to.first;
        } else {
            if (from.first->second.hash != to.first->second.hash) {
                delta.upserts.emplace_back(*to.first);
            }
            ++from.first;
            ++to.first;
        }
    }
}

}  // namespace

Lane laneOf(Kind kind) noexcept {
    return kind == Kind::endpoints ? Lane::endpoints : Lane::config;
}

Entry makeEntry(Value value) {
    const Sha256Digest digest = sha256({encode(value)});
    Entry entry;
    std::copy_n(digest.begin(), entry.hash.size(), entry.hash.begin());
    entry.value = std::make_shared<const Value>(std::move(value));
    return entry;
}

void Config::put(const Key& key, Entry entry) {
    assert(entry.value != nullptr && kindOf(*entry.value) == key.kind);
    RootHash& root = roots_[static_cast<std::size_t>(laneOf(key.kind))];
    const auto [it, inserted] = entries_.try_emplace(key);
    if (inserted) {
        ++counts_[static_cast<std::size_t>(key.kind)];
    } else if (it->second.hash == entry.hash) {
        return;
    } else {
        root.remove(key, it->second.hash);
    }
    root.add(key, entry.hash);
    it->second = std::move(entry);
}

bool Config::erase(const Key& key) {
    const auto it = entries_.find(key);
    if (it == entries_.end()) {
        return false;
    }
    roots_[static_cast<std::size_t>(laneOf(key.kind))].remove(key, it->second.hash);
    --counts_[static_cast<std::size_t>(key.kind)];
    entries_.erase(it);
    return true;
}

Delta diff(const Config& from, const Config& to, Lane lane) {
    Delta delta;
    if (from.root(lane) == to.root(lane)) {
        return delta;
    }
    const std::array<Range, 2> before = rangesOf(from, lane);
    const std::array<Range, 2> after = rangesOf(to, lane);
    for (std::size_t i = 0; i < before.size(); ++i) {
        diffRange(before[i], after[i], delta);
    }
    return delta;
}

void apply(Config& config, const Delta& delta) {
    for (const Key& key : delta.deletes) {
        config.erase(key);
    }
    for (const auto& [key, entry] : delta.upserts) {
        config.put(key, entry);
    }
}

Delta inverse(const Config& before, const Delta& delta) {
    Config::Map restored;
    Delta result;
    for (const Key& key : delta.deletes) {
        if (const auto it = before.entries().find(key); it != before.entries().end()) {
            restored.insert(*it);
        }
    }
    for (const auto& [key, entry] : delta.upserts) {
        if (const auto it = before.entries().find(key); it != before.entries().end()) {
            restored.insert(*it);
        } else {
            result.deletes.push_back(key);
        }
    }
    result.upserts.assign(restored.begin(), restored.end());
    return result;
}

}  // namespace evergate::model
