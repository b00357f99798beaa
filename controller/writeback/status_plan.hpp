// SPDX-License-Identifier: Apache-2.0
// Which Ingress statuses to write, and when. No I/O; time is passed in; one thread.
//
// An Ingress that is ours gets the published addresses once every live data plane has acknowledged
// its present form, and only if its status says something else. When it ceases to be ours, the
// status is cleared if what stands there is what we wrote. What the API server has is what the
// store says: after a write nothing is done until the object changed, so a write is never repeated
// because its echo is late.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/objects/object_store.hpp"
#include "controller/translate/translate_options.hpp"
#include "controller/writeback/publish_address.hpp"

namespace evergate::controller::writeback {

struct StatusWrite {
    ObjectName name;
    std::string uid;
    std::string resourceVersion;
    Addresses addresses;  // empty: cleared
    bool first = false;   // there was no address before

    std::string target() const;
    std::string body() const;  // a merge patch, conditional on uid and version
};

class StatusPlan {
public:
    using Time = std::chrono::steady_clock::time_point;

    enum class Outcome {
        written,
        conflict,  // the object has changed: its next form decides
        gone,
        failed,   // try again, later each time
        refused,  // this object will hardly ever take it
    };

    // Not called, or none: no status is written.
    void setAddresses(Addresses addresses) { addresses_ = sorted(std::move(addresses)); }

    const Addresses& addresses() const noexcept { return addresses_; }

    // Takes in the store. `serial`: of the configuration that is built from it or from a later
    // one. `refused`: Ingresses of which a data plane refused a part; they keep what they have.
    void observe(const ObjectStore& store, const TranslateOptions& options, std::uint64_t serial,
                 const std::set<ObjectName>& refused);

    // A write that is due: its Ingress's form is in a configuration up to `acknowledged`.
    std::optional<StatusWrite> next(const ObjectStore& store, std::uint64_t acknowledged, Time now);
    void onOutcome(const StatusWrite& write, Outcome outcome, Time now);

    // When one that waits for its time is due; nothing when none does.
    std::optional<Time> due(std::uint64_t acknowledged) const;

    // Ingresses that came into effect since the last call: in a changed form, or for the first time
    // with their status. What was in effect before we led is no news.
    std::vector<ObjectName> newlyEffective(std::uint64_t acknowledged);

    // We do not lead any more: somebody else knows better from here on.
    void forget();

private:
    struct Entry {
        std::string uid;
        std::int64_t generation = 0;
        Annotations annotations;
        std::uint64_t since = 0;  // serial that has this form
        bool ours = false;
        bool refused = false;
        bool announced = false;          // its coming into effect is no news
        bool told = false;               // newlyEffective() has named, or will name, this form
        std::optional<Addresses> wrote;  // by us, last
        std::string wroteOver;           // the version we wrote over: its echo is awaited
        Time notBefore{};
        unsigned failures = 0;
    };

    void take(Entry& entry, const Ingress& ingress, bool ours, std::uint64_t serial);
    // What is to be written; nothing when the status is right or not ours.
    std::optional<Addresses> wanted(const Entry& entry, const Ingress& ingress) const;
    // We wrote, and the store still has what was there before.
    static bool awaitsEcho(const Entry& entry, const Ingress& ingress);
    static void delay(Entry& entry, Time now);

    Addresses addresses_;
    std::map<ObjectName, Entry> entries_;
    std::set<ObjectName> candidates_;    // may need a write
    std::set<ObjectName> unannounced_;   // ours, with a form whose effect is awaited
    std::vector<ObjectName> effective_;  // for newlyEffective()
    bool baseline_ = true;               // the next observe() is the first
};

}  // namespace evergate::controller::writeback
