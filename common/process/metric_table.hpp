// SPDX-License-Identifier: Apache-2.0
// What a table of metrics is made of. Each program has one such table; what it writes to /metrics
// and its part of docs/metrics.md both come from there. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace evergate::process {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

struct MetricDescription {
    std::string_view name;
    MetricKind kind;
    std::string_view labels;  // "backend, code"; empty: none
    std::string_view help;
};

std::string_view name(MetricKind kind) noexcept;

// A Markdown table: one row per metric.
std::string metricsAsMarkdown(std::span<const MetricDescription> table);

}  // namespace evergate::process
