// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/stable_ids.hpp"

#include <algorithm>
#include <utility>

namespace evergate::dataplane {

StableIds::Id StableIds::reserve(const std::string& name) {
    if (const auto it = byName_.find(name); it != byName_.end()) {
        if (slots_[it->second].dormant)
            revive(it->second);
        return it->second;
    }
    Id id = static_cast<Id>(slots_.size());
    if (free_.empty()) {
        slots_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    slots_[id] = Slot{name};
    byName_.emplace(name, id);
    reserved_.push_back(id);
    return id;
}

void StableIds::commit(std::weak_ptr<const void> owner, const std::vector<Id>& inUse) {
    ++generation_;
    owners_.push_back({generation_, std::move(owner)});
    std::vector<bool> used(slots_.size());
    for (const Id id : inUse)
        used[id] = true;
    retired_.clear();
    for (Id id = 0; id < slots_.size(); ++id) {
        Slot& slot = slots_[id];
        if (slot.name.empty())
            continue;
        if (used[id]) {
            if (slot.first == 0)
                slot.first = generation_;
            slot.counted = true;
            slot.retired = 0;
        } else if (slot.first != 0) {
            if (slot.retired == 0)
                slot.retired = generation_;
            retired_.push_back(id);
        }
    }
    rollback();
}

void StableIds::rollback() {
    for (const Id id : std::exchange(reserved_, {})) {
        if (slots_[id].first != 0)
            continue;
        if (!slots_[id].counted) {
            release(id);
            continue;
        }
        slots_[id].dormant = true;
        dormant_.push_back(id);
    }
}

std::vector<StableIds::Id> StableIds::collect() {
    std::erase_if(owners_, [](const Owner& owner) { return owner.snapshot.expired(); });
    std::vector<Id> gone;
    std::erase_if(retired_, [&](Id id) {
        if (usedByLive(slots_[id]))
            return false;
        gone.push_back(id);
        return true;
    });
    for (const Id id : gone) {
        slots_[id].first = slots_[id].retired = 0;
        slots_[id].dormant = true;
        dormant_.push_back(id);
    }
    return gone;
}

std::vector<StableIds::Id> StableIds::evict() {
    std::vector<Id> evicted;
    while (dormant_.size() > remembered_) {
        evicted.push_back(dormant_.front());
        dormant_.pop_front();
        release(evicted.back());
    }
    return evicted;
}

void StableIds::revive(Id id) {
    slots_[id].dormant = false;
    dormant_.erase(std::find(dormant_.begin(), dormant_.end(), id));
    reserved_.push_back(id);
}

std::optional<StableIds::Id> StableIds::find(std::string_view name) const {
    const auto it = byName_.find(name);
    if (it == byName_.end() || slots_[it->second].first == 0)
        return std::nullopt;
    return it->second;
}

const std::string& StableIds::nameOf(Id id) const noexcept {
    static const std::string none;
    return id < slots_.size() ? slots_[id].name : none;
}

bool StableIds::usedByLive(const Slot& slot) const noexcept {
    return std::any_of(owners_.begin(), owners_.end(), [&](const Owner& owner) {
        return owner.generation >= slot.first && owner.generation < slot.retired;
    });
}

void StableIds::release(Id id) {
    byName_.erase(slots_[id].name);
    slots_[id] = Slot{};
    free_.push_back(id);
}

}  // namespace evergate::dataplane
