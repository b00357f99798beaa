// SPDX-License-Identifier: Apache-2.0
// Metric families -> the Prometheus text format, version 0.0.4.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <string_view>
#include <vector>

namespace evergate::process {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

// Families of the same name are written as one (the format allows a name only once); the first
// one's help and type hold, and metrics of another type under that name are left out.
std::string toPrometheusText(const std::vector<prometheus::MetricFamily>& families);

}  // namespace evergate::process
