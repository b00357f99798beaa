// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/leader_election.hpp"

#include <algorithm>
#include <utility>

namespace evergate::controller::writeback {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A lease of ours is retried more often than it would be renewed: the deadline is near.
constexpr int kRenewRetries = 2;
constexpr int kConflictRetries = 4;
constexpr milliseconds kForbiddenPause{10'000};
constexpr std::int64_t kMaxDurationSeconds = 3600;

}  // namespace

LeaseTiming LeaseTiming::of(seconds duration) {
    const milliseconds whole = duration;
    return {whole, whole * 2 / 3, whole * 2 / 15};
}

LeaderElection::LeaderElection(LeaseTiming timing, std::string identity, std::uint32_t seed)
    : timing_(timing), identity_(std::move(identity)), random_(seed) {}

LeaderElection::Step LeaderElection::next(Time now, WallTime wall, bool fit) {
    noteFitness(now, fit);
    if (released_ || (pending_ == Pending::nothing && now < attemptAt_)) {
        return {Action::wait, released_ ? Time::max() : attemptAt_, {}};
    }
    if (pending_ == Pending::nothing) {
        // Our own lease is renewed without asking first: a conflict would tell.
        pending_ = known_ && ours() ? Pending::renew : Pending::read;
    }
    standBack(now);
    if (pending_ == Pending::nothing) {
        return {Action::wait, attemptAt_, {}};
    }
    if (pending_ == Pending::read) {
        return {Action::read, {}, {}};
    }
    sentAt_ = now;
    sent_ = pending_ == Pending::resign ? recordToResign(wall) : recordToWrite(wall);
    return {pending_ == Pending::create ? Action::create : Action::replace, {}, sent_};
}

void LeaderElection::onRead(const LeaseRecord& record, Time now) {
    observe(record, now);
    if (ours()) {
        pending_ = Pending::renew;
        return;
    }
    leadsUntil_ = {};  // leading => not: somebody else holds it, or nobody
    if (record.holder.empty() || expired(now)) {
        pending_ = Pending::acquire;
        return;
    }
    pending_ = Pending::nothing;
    // Not later than the moment it may run out, so that taking over takes the lease's time and
    // little more. The jitter lets one candidate come first.
    const auto apart = jittered(timing_.retryPeriod) - timing_.retryPeriod;
    attemptAt_ = std::min(now + jittered(timing_.retryPeriod), expiry() + apart);
}

void LeaderElection::onMissing(Time now) {
    observe({}, now);
    known_ = false;
    pending_ = Pending::create;
}

void LeaderElection::onWritten(Time now) {
    observe(sent_, now);
    pending_ = Pending::nothing;
    attemptAt_ = sentAt_ + jittered(timing_.retryPeriod);
    leadsUntil_ = released_ || !ours() ? Time{} : sentAt_ + timing_.renewDeadline;
}

void LeaderElection::onConflict(Time now) {
    known_ = false;
    pending_ = Pending::nothing;
    attemptAt_ = now + jittered(timing_.retryPeriod / kConflictRetries);
}

void LeaderElection::onFailed(Time now, bool forbidden) {
    pending_ = Pending::nothing;
    // An answer may have been lost on its way: what the server has is not known.
    known_ = false;
    if (forbidden && !leading(now)) {
        attemptAt_ = now + jittered(std::max(kForbiddenPause, timing_.retryPeriod));
    } else {
        attemptAt_ = now + jittered(leading(now) ? timing_.retryPeriod / kRenewRetries
                                                 : timing_.retryPeriod);
    }
}

std::optional<LeaseRecord> LeaderElection::release(WallTime wall) {
    released_ = true;
    leadsUntil_ = {};
    if (!ours()) {
        return std::nullopt;
    }
    return recordToResign(wall);
}

void LeaderElection::noteFitness(Time now, bool fit) {
    if (fit == fit_) {
        return;
    }
    fit_ = fit;
    unfitSince_ = now;
    if (fit && !leading(now)) {
        attemptAt_ = std::min(attemptAt_, now);
    }
}

// What somebody who is not fit does not do.
void LeaderElection::standBack(Time now) {
    if (fit_) {
        return;
    }
    if (pending_ == Pending::create || pending_ == Pending::acquire) {
        pending_ = Pending::nothing;
        attemptAt_ = now + jittered(timing_.retryPeriod);
    } else if (pending_ == Pending::renew && now - unfitSince_ >= timing_.duration) {
        pending_ = Pending::resign;
        leadsUntil_ = {};  // leading => not: nothing is written from here on
    }
}

void LeaderElection::observe(const LeaseRecord& record, Time now) {
    if (record != observed_ || observedAt_ == Time{}) {
        observed_ = record;
        observedAt_ = now;
    }
    known_ = true;
}

LeaderElection::Time LeaderElection::expiry() const noexcept {
    return observedAt_ +
           seconds(std::clamp<std::int64_t>(observed_.durationSeconds, 0, kMaxDurationSeconds));
}

LeaseRecord LeaderElection::recordToWrite(WallTime wall) const {
    LeaseRecord record;
    record.holder = identity_;
    record.durationSeconds = std::chrono::ceil<seconds>(timing_.duration).count();
    record.renewTime = microTime(wall);
    record.acquireTime = pending_ == Pending::renew ? observed_.acquireTime : record.renewTime;
    record.transitions = observed_.transitions + (pending_ == Pending::acquire ? 1 : 0);
    return record;
}

LeaseRecord LeaderElection::recordToResign(WallTime wall) const {
    LeaseRecord record = observed_;
    record.holder.clear();
    record.durationSeconds = 1;
    record.acquireTime = record.renewTime = microTime(wall);
    return record;
}

milliseconds LeaderElection::jittered(milliseconds base) {
    return base + milliseconds(static_cast<std::int64_t>(static_cast<double>(base.count()) *
                                                         share_(random_)));
}

}  // namespace evergate::controller::writeback
