// SPDX-License-Identifier: Apache-2.0
// The controller's metrics, evergate_controller_*: counted as things happen, or read when scraped.
// Controller thread only.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <string>

#include "controller/publish/publish_observer.hpp"
#include "controller/publish/publisher.hpp"
#include "controller/source.hpp"

namespace evergate::controller {

class ControllerMetrics final : public PublishObserver {
public:
    ControllerMetrics();

    void onAck(model::Lane lane, EventTime::duration sinceEvent) override;
    void onNack(model::Lane lane, std::size_t keys) override;
    void onResume(model::Lane lane, ResumeKind kind) override;
    void onLinkLost() override;

    // The Prometheus text, after reading what is read at a scrape.
    std::string text(const SourceStatus& source, const Publisher& publisher, std::size_t problems,
                     bool braking);

private:
    using Counter = prometheus::Counter;
    using Gauge = prometheus::Gauge;

    Gauge& gauge(const char* name, const char* help, const prometheus::Labels& labels = {});
    Counter& counter(const char* name, const char* help, const prometheus::Labels& labels = {});
    void addLanes();

    prometheus::Registry registry_;
    std::array<prometheus::Histogram*, 2> eventToAck_{};
    std::array<Counter*, 2> nacks_{};
    std::array<Counter*, 2> refusedKeys_{};
    std::array<std::array<Counter*, 4>, 2> resumes_{};
    std::array<Gauge*, 2> versions_{};
    Counter& linksLost_;
    Gauge& dataplanes_;
    Gauge& converged_;
    Gauge& synced_;
    Gauge& objects_;
    Gauge& problems_;
    Gauge& braking_;
    Counter& events_;
    Counter& lists_;
    Counter& errors_;
};

}  // namespace evergate::controller
