// SPDX-License-Identifier: Apache-2.0
// Which endpoints of one backend are taken out because of how requests to them went, and for how
// long. Pure: times are arguments, counts come from outside. Used on the control thread.
//
// As Envoy: an endpoint is out for ejectionTime times the ejections it had in a row (at most
// kLongest or one ejectionTime), and every interval in which it serves without a failure takes one
// off. Never more than maxEjectedPercent at once, but always one; the worst go first.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/upstream/outlier_tally.hpp"

namespace evergate::upstream {

enum class EjectionReason : std::uint8_t { consecutive, failureShare, latency, count_ };

std::string_view name(EjectionReason reason) noexcept;

using EjectionCounts = std::array<std::uint64_t, static_cast<std::size_t>(EjectionReason::count_)>;

class OutlierDetector {
public:
    using Time = std::chrono::milliseconds;  // since whatever the caller likes

    static constexpr Time kLongest{300'000};
    // A mean this little above the median's is no reason, whatever the share: half a millisecond
    // against two tenths is noise.
    static constexpr std::uint64_t kLatencyNoiseMicros = 5'000;

    struct Ejection {
        std::string endpoint;
        EjectionReason reason;
        Time until;
    };

    using Readings = std::map<std::string, OutlierReading>;

    void setPolicy(const model::OutlierDetection& policy) { policy_ = policy; }

    // Endpoints that stay keep their state; one that left and comes back begins anew.
    void setEndpoints(const std::vector<std::string>& endpoints);

    // consecutiveFailures happened to it. None: it is out already, or too many are.
    std::optional<Ejection> onFailing(const std::string& endpoint, Time now);
    // An interval is over; `totals` are what the endpoints' tallies say now.
    std::vector<Ejection> onInterval(const Readings& totals, Time now);
    // Those whose time is over: they are in again.
    std::vector<std::string> takeReturning(Time now);
    std::optional<Time> nextReturn() const;

    bool ejected(const std::string& endpoint) const;

    std::size_t ejectedCount() const noexcept { return ejectedCount_; }

    const EjectionCounts& ejections() const noexcept { return ejections_; }  // so far

private:
    struct Member {
        OutlierReading last;  // totals when the interval began
        bool out = false;
        Time until{0};
        std::uint32_t streak = 0;  // ejections in a row
    };

    struct Candidate {
        const std::string* endpoint;
        EjectionReason reason;
        double badness;
    };

    using Members = std::map<std::string, Member>;

    bool mayEject() const noexcept;
    Ejection eject(const std::string& endpoint, Member& member, EjectionReason reason, Time now);
    void addFailing(const std::map<const std::string*, OutlierReading>& seen,
                    std::vector<Candidate>& into) const;
    void addSlow(const std::map<const std::string*, OutlierReading>& seen,
                 std::vector<Candidate>& into) const;

    model::OutlierDetection policy_;
    Members members_;
    std::size_t ejectedCount_ = 0;
    EjectionCounts ejections_{};
};

}  // namespace evergate::upstream
