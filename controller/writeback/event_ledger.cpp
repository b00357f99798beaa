// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/event_ledger.hpp"

#include <algorithm>

namespace evergate::controller::writeback {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFirstDelay{1'000};
constexpr milliseconds kLongestDelay{300'000};
constexpr unsigned kMostDoublings = 9;

}  // namespace

void EventLedger::observe(const std::vector<EventFact>& facts, Time now) {
    std::set<const EventFact*> present;
    for (const EventFact& fact : facts) {
        const auto it = open(fact);
        if (it == entries_.end()) {
            continue;
        }
        present.insert(&it->first);
        if (!it->second.active) {
            it->second.active = true;
            happened(it, now);
        }
    }
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        Entry& entry = it->second;
        if (entry.active && !present.contains(&it->first)) {
            entry.active = false;
            schedule(it, std::nullopt);
        }
    }
    dropOld(now);
}

void EventLedger::announce(const EventFact& fact, Time now) {
    if (const auto it = open(fact); it != entries_.end()) {
        happened(it, now);
    }
}

EventLedger::Entries::iterator EventLedger::open(const EventFact& fact) {
    const auto known = entries_.find(fact);
    if (known != entries_.end()) {
        return known;
    }
    if (entries_.size() >= tuning_.maxFacts) {
        ++dropped_;
        return entries_.end();
    }
    perObject_.try_emplace(fact.subject, tuning_.burstPerObject, tuning_.periodPerObject);
    return entries_.try_emplace(fact).first;
}

void EventLedger::happened(Entries::iterator it, Time now) {
    Entry& entry = it->second;
    if (!entry.due || *entry.due > now) {
        schedule(it, entry.exists ? std::max(now, entry.writtenAt + tuning_.repeat) : now);
    }
}

void EventLedger::schedule(Entries::iterator it, std::optional<Time> due) {
    Entry& entry = it->second;
    if (entry.due) {
        schedule_.erase({*entry.due, &it->first});
    }
    entry.due = due;
    if (due) {
        schedule_.emplace(*due, &it->first);
    }
}

std::optional<EventWrite> EventLedger::next(Time now) const {
    if (all_.ready() > now) {
        return std::nullopt;
    }
    for (const auto& [due, fact] : schedule_) {
        if (due > now) {
            break;
        }
        if (perObject_.at(fact->subject).ready() > now) {
            continue;
        }
        const Entry& entry = entries_.at(*fact);
        const auto action = !entry.exists  ? EventWrite::Action::create
                            : entry.unread ? EventWrite::Action::read
                                           : EventWrite::Action::repeat;
        return EventWrite{action, *fact, entry.count + 1};
    }
    return std::nullopt;
}

std::optional<EventLedger::Time> EventLedger::due() const {
    std::optional<Time> first;
    for (const auto& [due, fact] : schedule_) {
        if (first && due >= *first) {
            break;  // a bucket can only make it later
        }
        const auto ready = std::max(due, perObject_.at(fact->subject).ready());
        first = first ? std::min(*first, ready) : ready;
    }
    return first ? std::optional(std::max(*first, all_.ready())) : std::nullopt;
}

EventLedger::Entry* EventLedger::find(const EventFact& fact) {
    const auto it = entries_.find(fact);
    return it == entries_.end() ? nullptr : &it->second;
}

void EventLedger::onWritten(const EventWrite& write, Time now) {
    all_.take(now);
    const auto it = entries_.find(write.fact);
    if (it == entries_.end()) {
        return;
    }
    perObject_.at(write.fact.subject).take(now);
    Entry& entry = it->second;
    entry.exists = true;
    entry.unread = false;
    entry.count = write.action == EventWrite::Action::create ? 1 : write.count;
    entry.failures = 0;
    settle(it, now);
}

// Written as it is: next comes the refresh, if it lasts.
void EventLedger::settle(Entries::iterator it, Time now) {
    it->second.writtenAt = now;
    schedule(it, it->second.active ? std::optional(now + tuning_.refresh) : std::nullopt);
}

void EventLedger::onExists(const EventWrite& write, Time now) {
    all_.take(now);
    if (Entry* entry = find(write.fact)) {
        entry->exists = entry->unread = true;
    }
}

void EventLedger::onMissing(const EventWrite& write, Time now) {
    all_.take(now);
    if (Entry* entry = find(write.fact)) {
        entry->exists = entry->unread = false;
        entry->count = 0;
    }
}

void EventLedger::onRead(const EventWrite& write, const StoredEvent& stored,
                         std::int64_t wallSeconds, Time now) {
    all_.take(now);
    const auto it = entries_.find(write.fact);
    if (it == entries_.end()) {
        return;
    }
    Entry& entry = it->second;
    entry.unread = false;
    entry.count = std::max<std::int64_t>(stored.count, 1);
    const seconds age(std::max<std::int64_t>(0, wallSeconds - stored.lastSeen));
    // A lasting fact that another controller has told of lately needs no telling.
    if (write.fact.warning && age < tuning_.refresh) {
        entry.writtenAt = now - age;
        schedule(it, entry.writtenAt + tuning_.refresh);
    }
}

void EventLedger::onFailed(const EventWrite& write, Time now) {
    all_.take(now);
    const auto it = entries_.find(write.fact);
    if (it == entries_.end()) {
        return;
    }
    const auto doublings = std::min(it->second.failures++, kMostDoublings);
    schedule(it, now + std::min(kFirstDelay * (1 << doublings), kLongestDelay));
}

void EventLedger::onRefused(const EventWrite& write) {
    if (const auto it = entries_.find(write.fact); it != entries_.end()) {
        schedule(it, std::nullopt);
    }
}

void EventLedger::forget() {
    schedule_.clear();
    entries_.clear();
    perObject_.clear();
}

void EventLedger::dropOld(Time now) {
    for (auto it = entries_.begin(); it != entries_.end();) {
        const Entry& entry = it->second;
        const bool over = !entry.active && !entry.due && now - entry.writtenAt >= tuning_.keep;
        it = over ? entries_.erase(it) : std::next(it);
    }
    std::erase_if(perObject_, [&](const auto& each) {
        if (!each.second.full(now)) {
            return false;
        }
        EventFact least;
        least.subject = each.first;
        least.warning = false;
        const auto it = entries_.lower_bound(least);
        return it == entries_.end() || it->first.subject != each.first;
    });
}

}  // namespace evergate::controller::writeback
