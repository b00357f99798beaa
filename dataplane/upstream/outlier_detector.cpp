// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/outlier_detector.hpp"

#include <algorithm>
#include <utility>

namespace evergate::upstream {
namespace {

OutlierReading since(const OutlierReading& now, const OutlierReading& then) noexcept {
    return {now.requests - then.requests, now.failures - then.failures, now.timed - then.timed,
            now.latencyMicros - then.latencyMicros};
}

}  // namespace

std::string_view name(EjectionReason reason) noexcept {
    switch (reason) {
        case EjectionReason::consecutive:
            return "consecutive_failures";
        case EjectionReason::failureShare:
            return "failure_share";
        case EjectionReason::latency:
            return "latency";
        case EjectionReason::count_:
            break;
    }
    return "";
}

void OutlierDetector::setEndpoints(const std::vector<std::string>& endpoints) {
    Members before = std::move(members_);
    members_.clear();
    ejectedCount_ = 0;
    for (const std::string& endpoint : endpoints) {
        auto known = before.extract(endpoint);
        if (known.empty()) {
            members_.try_emplace(endpoint);
        } else {
            ejectedCount_ += known.mapped().out ? 1 : 0;
            members_.insert(std::move(known));
        }
    }
}

bool OutlierDetector::mayEject() const noexcept {
    return ejectedCount_ == 0 ||
           (ejectedCount_ + 1) * 100 <= policy_.maxEjectedPercent * members_.size();
}

OutlierDetector::Ejection OutlierDetector::eject(const std::string& endpoint, Member& member,
                                                 EjectionReason reason, Time now) {
    const Time once = std::max(policy_.ejectionTime, Time(1));
    const Time longest = std::max(kLongest, once);
    ++member.streak;
    member.until = now + (member.streak > longest / once ? longest : once * member.streak);
    member.out = true;
    ++ejectedCount_;
    ++ejections_[static_cast<std::size_t>(reason)];
    return {endpoint, reason, member.until};
}

std::optional<OutlierDetector::Ejection> OutlierDetector::onFailing(const std::string& endpoint,
                                                                    Time now) {
    const auto at = members_.find(endpoint);
    if (at == members_.end() || at->second.out || policy_.consecutiveFailures == 0 || !mayEject())
        return std::nullopt;
    return eject(endpoint, at->second, EjectionReason::consecutive, now);
}

std::vector<OutlierDetector::Ejection> OutlierDetector::onInterval(const Readings& totals,
                                                                   Time now) {
    std::map<const std::string*, OutlierReading> seen;
    for (auto& [endpoint, member] : members_) {
        const auto total = totals.find(endpoint);
        if (total == totals.end())
            continue;
        const OutlierReading then = std::exchange(member.last, total->second);
        if (member.out)
            continue;
        const OutlierReading part = since(total->second, then);
        if (member.streak != 0 && part.requests != 0 && part.failures == 0)
            --member.streak;
        if (part.requests >= policy_.minimumRequests)
            seen.emplace(&endpoint, part);
    }
    std::vector<Candidate> candidates;
    addFailing(seen, candidates);
    addSlow(seen, candidates);
    std::vector<Ejection> ejected;
    for (const Candidate& candidate : candidates) {
        Member& member = members_.find(*candidate.endpoint)->second;
        if (!member.out && mayEject())
            ejected.push_back(eject(*candidate.endpoint, member, candidate.reason, now));
    }
    return ejected;
}

void OutlierDetector::addFailing(const std::map<const std::string*, OutlierReading>& seen,
                                 std::vector<Candidate>& into) const {
    if (policy_.failurePercent == 0)
        return;
    for (const auto& [endpoint, part] : seen) {
        if (part.failures * 100 >= policy_.failurePercent * part.requests) {
            into.push_back(
                {endpoint, EjectionReason::failureShare,
                 static_cast<double>(part.failures) / static_cast<double>(part.requests)});
        }
    }
    std::sort(into.begin(), into.end(), [](const Candidate& a, const Candidate& b) {
        return a.badness != b.badness ? a.badness > b.badness : *a.endpoint < *b.endpoint;
    });
}

// Behind those that fail.
void OutlierDetector::addSlow(const std::map<const std::string*, OutlierReading>& seen,
                              std::vector<Candidate>& into) const {
    if (policy_.latencyPercent == 0)
        return;
    std::vector<std::pair<std::uint64_t, const std::string*>> means;
    for (const auto& [endpoint, part] : seen) {
        if (part.timed >= policy_.minimumRequests)
            means.emplace_back(part.latencyMicros / part.timed, endpoint);
    }
    if (means.size() < 2)
        return;
    std::sort(means.begin(), means.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : *a.second < *b.second;
    });
    const std::uint64_t median = means[means.size() / 2].first;  // of two: the faster one
    for (const auto& [mean, endpoint] : means) {
        if (mean > median + kLatencyNoiseMicros && mean * 100 >= median * policy_.latencyPercent)
            into.push_back({endpoint, EjectionReason::latency, static_cast<double>(mean)});
    }
}

std::vector<std::string> OutlierDetector::takeReturning(Time now) {
    std::vector<std::string> returning;
    for (auto& [endpoint, member] : members_) {
        if (!member.out || member.until > now)
            continue;
        member.out = false;
        --ejectedCount_;
        returning.push_back(endpoint);
    }
    return returning;
}

std::optional<OutlierDetector::Time> OutlierDetector::nextReturn() const {
    std::optional<Time> next;
    for (const auto& [endpoint, member] : members_) {
        if (member.out && (!next || member.until < *next))
            next = member.until;
    }
    return next;
}

bool OutlierDetector::ejected(const std::string& endpoint) const {
    const auto at = members_.find(endpoint);
    return at != members_.end() && at->second.out;
}

}  // namespace evergate::upstream
