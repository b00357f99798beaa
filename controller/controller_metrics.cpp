// SPDX-License-Identifier: Apache-2.0
#include "controller/controller_metrics.hpp"

#include <algorithm>
#include <chrono>

#include "common/process/process_collector.hpp"
#include "common/process/prometheus_text.hpp"

namespace evergate::controller {

namespace {

const prometheus::Histogram::BucketBoundaries kSeconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                       0.25,  0.5,    1,     2.5,  5,     10,   30};

std::size_t index(model::Lane lane) {
    return static_cast<std::size_t>(lane);
}

// The source counts; a counter may only grow.
void follow(prometheus::Counter& counter, std::uint64_t total) {
    const double more = static_cast<double>(total) - counter.Value();
    if (more > 0) {
        counter.Increment(more);
    }
}

}  // namespace

ControllerMetrics::ControllerMetrics()
    : linksLost_(counter("evergate_controller_dataplane_connections_lost_total",
                         "Connections of data planes that ended.")),
      dataplanes_(gauge("evergate_controller_dataplanes", "Data planes connected.")),
      converged_(gauge("evergate_controller_dataplanes_converged",
                       "Connected data planes that hold exactly what is published.")),
      synced_(gauge("evergate_controller_source_synced",
                    "1 once the source has been read completely.")),
      objects_(gauge("evergate_controller_source_objects", "Objects of the source now known.")),
      problems_(gauge("evergate_controller_problems",
                      "Problems with objects, values left out and keys data planes refused.")),
      braking_(gauge("evergate_controller_delete_brake",
                     "1 while a change that removes most routes waits for a second list.")),
      events_(counter("evergate_controller_source_events_total", "Changes the source reported.")),
      lists_(counter("evergate_controller_source_lists_total", "Complete lists of the source.")),
      errors_(counter("evergate_controller_source_errors_total",
                      "Lists, watches or files of the source that failed.")) {
    addLanes();
}

void ControllerMetrics::addLanes() {
    auto& histograms = prometheus::BuildHistogram()
                           .Name("evergate_controller_event_to_ack_seconds")
                           .Help("From an event of the source to a data plane's acknowledgement.")
                           .Register(registry_);
    for (const model::Lane lane : {model::Lane::config, model::Lane::endpoints}) {
        const prometheus::Labels labels{{"lane", std::string(name(lane))}};
        const std::size_t i = index(lane);
        eventToAck_[i] = &histograms.Add(labels, kSeconds);
        nacks_[i] = &counter("evergate_controller_nacks_total",
                             "Transactions a data plane refused.", labels);
        refusedKeys_[i] =
            &counter("evergate_controller_refused_keys_total", "Keys named in refusals.", labels);
        versions_[i] =
            &gauge("evergate_controller_published_version", "Version published last.", labels);
        for (const ResumeKind kind :
             {ResumeKind::same, ResumeKind::diff, ResumeKind::keys, ResumeKind::snapshot}) {
            prometheus::Labels both = labels;
            both.emplace("kind", std::string(name(kind)));
            resumes_[i][static_cast<std::size_t>(kind)] =
                &counter("evergate_controller_resumes_total",
                         "How data planes that connected were brought up to date.", both);
        }
    }
}

prometheus::Gauge& ControllerMetrics::gauge(const char* name, const char* help,
                                            const prometheus::Labels& labels) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Counter& ControllerMetrics::counter(const char* name, const char* help,
                                                const prometheus::Labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
}

void ControllerMetrics::onAck(model::Lane lane, EventTime::duration sinceEvent) {
    eventToAck_[index(lane)]->Observe(std::chrono::duration<double>(sinceEvent).count());
}

void ControllerMetrics::onNack(model::Lane lane, std::size_t keys) {
    nacks_[index(lane)]->Increment();
    refusedKeys_[index(lane)]->Increment(static_cast<double>(keys));
}

void ControllerMetrics::onResume(model::Lane lane, ResumeKind kind) {
    resumes_[index(lane)][static_cast<std::size_t>(kind)]->Increment();
}

void ControllerMetrics::onLinkLost() {
    linksLost_.Increment();
}

std::string ControllerMetrics::text(const SourceStatus& source, const Publisher& publisher,
                                    std::size_t problems, bool braking) {
    const auto dataplanes = publisher.dataplanes();
    dataplanes_.Set(static_cast<double>(dataplanes.size()));
    converged_.Set(static_cast<double>(std::count_if(
        dataplanes.begin(), dataplanes.end(),
        [](const DataplaneStatus& each) { return each.converged[0] && each.converged[1]; })));
    for (const model::Lane lane : {model::Lane::config, model::Lane::endpoints}) {
        versions_[index(lane)]->Set(static_cast<double>(publisher.state().version(lane)));
    }
    synced_.Set(source.synced ? 1 : 0);
    objects_.Set(static_cast<double>(source.objects));
    problems_.Set(static_cast<double>(problems));
    braking_.Set(braking ? 1 : 0);
    follow(events_, source.events);
    follow(lists_, source.lists);
    follow(errors_, source.errors);
    auto families = registry_.Collect();
    auto process = process::ProcessCollector().Collect();
    families.insert(families.end(), process.begin(), process.end());
    return process::toPrometheusText(families);
}

}  // namespace evergate::controller
