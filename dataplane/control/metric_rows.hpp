// SPDX-License-Identifier: Apache-2.0
// The rows of /metrics that come once per backend, endpoint or route. Pure; see metrics.hpp.
#pragma once

#include "common/process/prometheus_text.hpp"
#include "dataplane/control/metric_table.hpp"
#include "dataplane/control/metrics.hpp"

namespace evergate::dataplane {

void addHistogram(process::PrometheusText& text, Metric metric, process::MetricLabels labels,
                  const upstream::DurationHistogram& durations);

// Of the configured backends, their endpoints and routes, as far as the limits allow.
void addTraffic(process::PrometheusText& text, const Scrape& scrape);

}  // namespace evergate::dataplane
