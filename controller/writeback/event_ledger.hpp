// SPDX-License-Identifier: Apache-2.0
// Which Events to write, and when: one per fact, however often it is found. No I/O; time is passed
// in; one thread.
//
// A fact that lasts is written once and refreshed rarely, so that the server does not forget it.
// One that comes and goes is counted up at most once a minute. Each object may cause a burst of new
// Events and then one every five seconds; all together are bounded, too. A new leader finds the
// Events of the last one by their names and goes on counting.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/writeback/event_record.hpp"
#include "controller/writeback/token_bucket.hpp"

namespace evergate::controller::writeback {

struct EventTuning {
    std::chrono::milliseconds refresh{std::chrono::minutes(30)};  // servers forget after an hour
    std::chrono::milliseconds repeat{std::chrono::minutes(1)};
    std::chrono::milliseconds keep{std::chrono::hours(1)};  // what is gone, in case it comes back
    int burstPerObject = 25;
    std::chrono::milliseconds periodPerObject{5'000};
    int burst = 100;
    std::chrono::milliseconds period{100};
    std::size_t maxFacts = 10'000;
};

struct EventWrite {
    enum class Action { create, read, repeat };

    Action action = Action::create;
    EventFact fact;
    std::int64_t count = 1;  // of repeat
};

class EventLedger {
public:
    using Time = TokenBucket::Time;

    explicit EventLedger(EventTuning tuning = {}) : tuning_(tuning) {}

    // All the lasting facts there are: those not among them are over.
    void observe(const std::vector<EventFact>& facts, Time now);
    // Something that happened now.
    void announce(const EventFact& fact, Time now);

    std::optional<EventWrite> next(Time now) const;
    // When the next one may be written; nothing when there is none.
    std::optional<Time> due() const;

    void onWritten(const EventWrite& write, Time now);
    void onExists(const EventWrite& write, Time now);   // create: 409
    void onMissing(const EventWrite& write, Time now);  // read, repeat: 404
    // The answer to a read; `wallSeconds` is now since 1970.
    void onRead(const EventWrite& write, const StoredEvent& stored, std::int64_t wallSeconds,
                Time now);
    void onFailed(const EventWrite& write, Time now);
    void onRefused(const EventWrite& write);  // it will never be taken

    // We do not lead any more.
    void forget();

    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    struct Entry {
        bool active = false;  // a lasting fact that still lasts
        bool exists = false;  // on the server, as far as we know
        bool unread = false;  // exists, with a count not known yet
        std::int64_t count = 0;
        Time writtenAt{};
        std::optional<Time> due;
        unsigned failures = 0;
    };

    using Entries = std::map<EventFact, Entry>;

    Entry* find(const EventFact& fact);
    Entries::iterator open(const EventFact& fact);
    void schedule(Entries::iterator it, std::optional<Time> due);
    void happened(Entries::iterator it, Time now);
    void settle(Entries::iterator it, Time now);
    void dropOld(Time now);

    EventTuning tuning_;
    Entries entries_;
    std::set<std::pair<Time, const EventFact*>> schedule_;  // facts are keys of entries_
    std::map<ObjectKey, TokenBucket> perObject_;
    TokenBucket all_{tuning_.burst, tuning_.period};
    std::uint64_t dropped_ = 0;
};

}  // namespace evergate::controller::writeback
