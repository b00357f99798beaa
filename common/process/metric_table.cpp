// SPDX-License-Identifier: Apache-2.0
#include "common/process/metric_table.hpp"

#include <array>

namespace evergate::process {

std::string_view name(MetricKind kind) noexcept {
    constexpr std::array<std::string_view, 3> kNames{"counter", "gauge", "histogram"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string metricsAsMarkdown(std::span<const MetricDescription> table) {
    std::string text = "| name | type | labels | meaning |\n|---|---|---|---|\n";
    for (const MetricDescription& metric : table) {
        text.append("| `").append(metric.name).append("` | ").append(name(metric.kind));
        text.append(" | ").append(metric.labels).append(metric.labels.empty() ? "| " : " | ");
        text.append(metric.help).append(" |\n");
    }
    return text;
}

}  // namespace evergate::process
