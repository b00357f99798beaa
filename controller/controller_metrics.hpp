// SPDX-License-Identifier: Apache-2.0
// The controller's metrics, evergate_controller_*: counted as things happen, or read when scraped.
// Controller thread only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "common/process/prometheus_text.hpp"
#include "controller/publish/publish_observer.hpp"
#include "controller/publish/publisher.hpp"
#include "controller/source.hpp"
#include "controller/writeback/writeback.hpp"

namespace evergate::controller {

// What is asked of others when somebody scrapes.
struct ControllerFacts {
    SourceStatus source;
    std::size_t problems = 0;
    bool braking = false;
    std::optional<writeback::LeaderStatus> leader{};  // of sources that are written back to
};

class ControllerMetrics final : public PublishObserver {
public:
    void onAck(model::Lane lane, EventTime::duration sinceEvent) override;
    void onApplied(model::Lane lane, EventTime::duration sinceEvent) override;
    void onNack(model::Lane lane, std::size_t keys) override;
    void onResume(model::Lane lane, ResumeKind kind) override;
    void onLinkLost() override;

    // The Prometheus text, after reading what is read at a scrape.
    std::string text(const ControllerFacts& facts, const Publisher& publisher) const;

private:
    // Upper bounds in seconds; the last bucket is +Inf.
    static constexpr std::array<double, 14> kBounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                    0.25,  0.5,    1,     2.5,  5,     10,   30};

    struct Durations {
        std::array<std::uint64_t, kBounds.size() + 1> counts{};
        double sum = 0;

        void observe(EventTime::duration duration) noexcept;
    };

    struct LaneCounters {
        Durations eventToAck;
        Durations eventToApplied;
        std::uint64_t nacks = 0;
        std::uint64_t refusedKeys = 0;
        std::array<std::uint64_t, 4> resumes{};  // by ResumeKind
    };

    void addLane(process::PrometheusText& text, model::Lane lane, const Publisher& publisher) const;

    std::array<LaneCounters, 2> lanes_;
    std::uint64_t linksLost_ = 0;
};

}  // namespace evergate::controller
