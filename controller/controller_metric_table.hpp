// SPDX-License-Identifier: Apache-2.0
// The one table of what the controller measures: /metrics and docs/metrics.md are both made from
// it. Pure. Its place in the enum is a metric's place in the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/process/metric_table.hpp"

namespace evergate::controller {

enum class ControllerMetric : std::uint8_t {
    // The source.
    sourceSynced,
    sourceWatching,
    sourceObjects,
    sourceEvents,
    sourceLists,
    sourceErrors,
    problems,
    deleteBrake,
    // What is written back.
    leader,
    statusWrites,
    eventWrites,
    // Publishing.
    ready,
    publishedVersion,
    publishedObjects,
    eventToAck,
    eventToApplied,
    nacks,
    refusedKeys,
    rejectedKeys,
    resumes,
    // Data planes.
    dataplanes,
    dataplanesConverged,
    dataplaneConverged,
    dataplaneVersion,
    linksLost,
    buildInfo,
    count_,
};

std::span<const process::MetricDescription> controllerMetricTable() noexcept;

// The controller's part of docs/metrics.md: the rest of it.
std::string controllerMetricsDocument();

}  // namespace evergate::controller
