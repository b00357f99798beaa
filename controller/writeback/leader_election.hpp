// SPDX-License-Identifier: Apache-2.0
// Who leads, by a Lease: what to read or write next, and whether we lead now. No I/O.
//
// Somebody who is not fit to lead only looks on; a leader that has not been fit for the time a
// Lease lasts gives it away.
//
// The rules are client-go's. Clocks of other machines are never believed: a lease runs out when
// *we* have not seen it change for its duration. A leader counts its own time from before it sent
// the renewal and stops earlier (renewDeadline) than anybody else may take over (duration).
// Belongs to one thread; time is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "controller/writeback/lease_record.hpp"
#include "controller/writeback/wall_time.hpp"

namespace evergate::controller::writeback {

struct LeaseTiming {
    std::chrono::milliseconds duration{15'000};       // others wait so long before they take over
    std::chrono::milliseconds renewDeadline{10'000};  // we give up so long after the last renewal
    std::chrono::milliseconds retryPeriod{2'000};     // between two attempts

    // The three in client-go's proportions; `duration` in whole seconds, as the API has it.
    static LeaseTiming of(std::chrono::seconds duration);
};

class LeaderElection {
public:
    using Time = std::chrono::steady_clock::time_point;

    enum class Action { wait, read, create, replace };

    struct Step {
        Action action = Action::wait;
        Time until{};        // of wait
        LeaseRecord record;  // of create and replace
    };

    LeaderElection(LeaseTiming timing, std::string identity, std::uint32_t seed);

    // What to do now. After a read, create or replace, its outcome is told by one of the next five.
    // `fit`: whether we may lead.
    Step next(Time now, WallTime wall, bool fit = true);

    void onRead(const LeaseRecord& record, Time now);
    void onMissing(Time now);   // 404
    void onWritten(Time now);   // create or replace went through
    void onConflict(Time now);  // 409: somebody else wrote first
    void onFailed(Time now, bool forbidden = false);

    // Changes to false by the passing of time alone.
    bool leading(Time now) const noexcept { return now < leadsUntil_; }

    Time leadsUntil() const noexcept { return leadsUntil_; }

    // Stops leading, for good. The record to write so that others need not wait; nothing when the
    // lease is not ours.
    std::optional<LeaseRecord> release(WallTime wall);

    const std::string& identity() const noexcept { return identity_; }

    // As last seen; empty: nobody, or not known.
    const std::string& holder() const noexcept { return observed_.holder; }

private:
    enum class Pending { nothing, read, create, acquire, renew, resign };

    void noteFitness(Time now, bool fit);
    void standBack(Time now);
    void observe(const LeaseRecord& record, Time now);

    bool expired(Time now) const noexcept { return now >= expiry(); }

    Time expiry() const noexcept;

    bool ours() const noexcept { return observed_.holder == identity_; }

    LeaseRecord recordToWrite(WallTime wall) const;
    LeaseRecord recordToResign(WallTime wall) const;
    std::chrono::milliseconds jittered(std::chrono::milliseconds base);

    LeaseTiming timing_;
    std::string identity_;
    std::minstd_rand random_;
    std::uniform_real_distribution<double> share_{0, 0.2};
    LeaseRecord observed_;
    Time observedAt_{};
    bool known_ = false;  // observed_ is what the server has, as far as we know
    bool released_ = false;
    bool fit_ = true;
    Time unfitSince_{};
    Pending pending_ = Pending::nothing;  // the step under way, or decided
    LeaseRecord sent_;
    Time sentAt_{};
    Time attemptAt_{};
    Time leadsUntil_{};
};

}  // namespace evergate::controller::writeback
