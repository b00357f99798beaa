// SPDX-License-Identifier: Apache-2.0
// Dense numbers for the names of backends or routes, stable as long as any live snapshot uses them.
// Pure; one thread.
//
// The life of an id: reserved (a candidate wants it) -> in use (a snapshot was published with it)
// -> retired (the newest snapshot no longer has the name) -> collected (every snapshot that had it
// is gone)
// -> remembered for its name, so that counters go on when it comes back, as long as there is room
// -> evicted, free. A collected id must be forgotten by the workers before it is given out again:
// collect() is called when a publication is made, after its reservations, and its result travels in
// that publication. Workers forget last, so an id is never reused inside the publication that
// forgets it. The same holds for evict(), after which what was counted under the id is forgotten,
// too.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::dataplane {

class StableIds {
public:
    using Id = routing::BackendId;

    // `remembered`: how many names that are gone keep their ids.
    explicit StableIds(std::size_t remembered = 0) : remembered_(remembered) {}

    // The id of `name`; a new reservation when it has none.
    Id reserve(const std::string& name);

    // The snapshot `owner` with exactly these ids is being published: they are in use, the others
    // retire.
    void commit(std::weak_ptr<const void> owner, const std::vector<Id>& inUse);

    // Gives back what was reserved and never committed: the candidate was refused.
    void rollback();

    // Retired ids no live snapshot uses any more.
    std::vector<Id> collect();

    // Ids of names collected so long ago that they are not remembered any more. They are free for
    // other names after this call.
    std::vector<Id> evict();

    // The id of a name the workers know of (in use or retired).
    std::optional<Id> find(std::string_view name) const;
    // Empty when the id is not given out.
    const std::string& nameOf(Id id) const noexcept;

    std::size_t size() const noexcept { return byName_.size(); }

private:
    using Generation = std::uint64_t;

    struct Slot {
        std::string name;
        Generation first = 0;    // 0: reserved only
        Generation retired = 0;  // 0: in use by the newest snapshot
        bool dormant = false;    // collected: only its name and what was counted are left
        bool counted = false;    // was published once
    };

    struct Owner {
        Generation generation;
        std::weak_ptr<const void> snapshot;
    };

    bool usedByLive(const Slot& slot) const noexcept;
    void release(Id id);
    void revive(Id id);

    struct Hash {
        using is_transparent = void;

        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };

    std::unordered_map<std::string, Id, Hash, std::equal_to<>> byName_;
    std::vector<Slot> slots_;
    std::vector<Id> free_;
    std::vector<Id> reserved_;
    std::vector<Id> retired_;
    std::deque<Id> dormant_;  // collected, oldest first
    std::size_t remembered_;
    std::vector<Owner> owners_;
    Generation generation_ = 0;
};

}  // namespace evergate::dataplane
