// SPDX-License-Identifier: Apache-2.0
#include "controller/controller_metrics.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "common/process/process_metrics.hpp"
#include "common/process/version.hpp"
#include "controller/controller_metric_table.hpp"

namespace evergate::controller {

namespace {

using Row = ControllerMetric;
using process::PrometheusText;

constexpr std::size_t kMaxNodes = 500;

std::size_t index(model::Lane lane) {
    return static_cast<std::size_t>(lane);
}

void addSource(PrometheusText& text, const ControllerFacts& facts) {
    const SourceStatus& source = facts.source;
    text.add(Row::sourceSynced, source.synced);
    text.add(Row::sourceWatching, source.watching());
    text.add(Row::sourceObjects, source.objects);
    text.add(Row::sourceEvents, source.events);
    text.add(Row::sourceLists, source.lists);
    text.add(Row::sourceErrors, source.errors);
    text.add(Row::problems, facts.problems);
    text.add(Row::deleteBrake, facts.braking);
}

void addWriteback(PrometheusText& text, const writeback::LeaderStatus& status) {
    const writeback::WritebackCounters& counters = status.counters;
    text.add(Row::leader, status.leading);
    text.add(Row::statusWrites, {{"result", "written"}}, counters.statusWritten);
    text.add(Row::statusWrites, {{"result", "conflict"}}, counters.statusConflicts);
    text.add(Row::statusWrites, {{"result", "failed"}}, counters.statusFailed);
    text.add(Row::eventWrites, {{"result", "created"}}, counters.eventsCreated);
    text.add(Row::eventWrites, {{"result", "repeated"}}, counters.eventsRepeated);
    text.add(Row::eventWrites, {{"result", "failed"}}, counters.eventsFailed);
    text.add(Row::eventWrites, {{"result", "dropped"}}, counters.eventsDropped);
}

void addObjects(PrometheusText& text, const model::Config& config) {
    for (const model::Kind kind :
         {model::Kind::certificate, model::Kind::listener, model::Kind::backend,
          model::Kind::endpoints, model::Kind::route}) {
        text.add(Row::publishedObjects, {{"kind", model::name(kind)}}, config.count(kind));
    }
}

void addDataplanes(PrometheusText& text, const std::vector<DataplaneStatus>& dataplanes) {
    std::size_t rejected = 0;
    std::size_t converged = 0;
    // By name: the same one may be connected twice for a moment, a series may not come twice.
    std::map<std::string, const DataplaneStatus*> nodes;
    for (const DataplaneStatus& each : dataplanes) {
        rejected += each.rejected;
        converged += each.converged[0] && each.converged[1] ? 1 : 0;
        if (nodes.size() < kMaxNodes) {
            nodes.insert_or_assign(each.nodeId, &each);
        }
    }
    text.add(Row::rejectedKeys, rejected);
    text.add(Row::dataplanes, dataplanes.size());
    text.add(Row::dataplanesConverged, converged);
    for (const auto& [node, status] : nodes) {
        text.add(Row::dataplaneConverged, {{"node", node}},
                 status->converged[0] && status->converged[1]);
        for (const model::Lane lane : {model::Lane::config, model::Lane::endpoints}) {
            text.add(Row::dataplaneVersion, {{"node", node}, {"lane", name(lane)}},
                     status->applied[index(lane)].version);
        }
    }
}

}  // namespace

void ControllerMetrics::Durations::observe(EventTime::duration duration) noexcept {
    const double seconds = std::chrono::duration<double>(duration).count();
    const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
    ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
    sum += seconds;
}

void ControllerMetrics::onAck(model::Lane lane, EventTime::duration sinceEvent) {
    lanes_[index(lane)].eventToAck.observe(sinceEvent);
}

void ControllerMetrics::onApplied(model::Lane lane, EventTime::duration sinceEvent) {
    lanes_[index(lane)].eventToApplied.observe(sinceEvent);
}

void ControllerMetrics::onNack(model::Lane lane, std::size_t keys) {
    ++lanes_[index(lane)].nacks;
    lanes_[index(lane)].refusedKeys += keys;
}

void ControllerMetrics::onResume(model::Lane lane, ResumeKind kind) {
    ++lanes_[index(lane)].resumes[static_cast<std::size_t>(kind)];
}

void ControllerMetrics::onLinkLost() {
    ++linksLost_;
}

void ControllerMetrics::addLane(PrometheusText& text, model::Lane lane,
                                const Publisher& publisher) const {
    const LaneCounters& counters = lanes_[index(lane)];
    const process::MetricLabels labels{{"lane", name(lane)}};
    text.add(Row::publishedVersion, labels, publisher.state().version(lane));
    for (const auto& [row, durations] :
         {std::pair(Row::eventToAck, &counters.eventToAck),
          std::pair(Row::eventToApplied, &counters.eventToApplied)}) {
        text.addHistogram(row, labels, {kBounds, durations->counts, durations->sum});
    }
    text.add(Row::nacks, labels, counters.nacks);
    text.add(Row::refusedKeys, labels, counters.refusedKeys);
    for (std::size_t i = 0; i < counters.resumes.size(); ++i) {
        text.add(Row::resumes, {{"lane", name(lane)}, {"kind", name(static_cast<ResumeKind>(i))}},
                 counters.resumes[i]);
    }
}

std::string ControllerMetrics::text(const ControllerFacts& facts,
                                    const Publisher& publisher) const {
    PrometheusText text(controllerMetricTable());
    addSource(text, facts);
    if (facts.leader) {
        addWriteback(text, *facts.leader);
    }
    text.add(Row::ready, publisher.state().ready());
    addObjects(text, publisher.state().config());
    for (const model::Lane lane : {model::Lane::config, model::Lane::endpoints}) {
        addLane(text, lane, publisher);
    }
    addDataplanes(text, publisher.dataplanes());
    text.add(Row::linksLost, linksLost_);
    text.add(Row::buildInfo, {{"version", EVERGATE_VERSION}}, 1U);
    return text.take() + process::processMetrics();
}

}  // namespace evergate::controller
