// SPDX-License-Identifier: Apache-2.0
// The standard process_* metrics, read from /proc/self at each scrape. What cannot be read is left
// out. Safe on any thread.
#pragma once

#include <span>
#include <string>

#include "common/process/metric_table.hpp"

namespace evergate::process {

std::span<const MetricDescription> processMetricTable() noexcept;

// In the Prometheus text format.
std::string processMetrics();

}  // namespace evergate::process
