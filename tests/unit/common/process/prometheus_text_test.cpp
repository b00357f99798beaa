// SPDX-License-Identifier: Apache-2.0
#include "common/process/prometheus_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <ctime>
#include <limits>
#include <map>
#include <sstream>

#include "common/process/process_metrics.hpp"

namespace evergate::process {
namespace {

enum class Row { requests, gauge, seconds };

constexpr std::array<MetricDescription, 3> kTable{{
    {"requests_total", MetricKind::counter, "code, host", "Requests.\nAll \\ of them."},
    {"g", MetricKind::gauge, "", "G"},
    {"h", MetricKind::histogram, "route", "H"},
}};

TEST(PrometheusText, WritesCountersWithLabels) {
    PrometheusText text(kTable);
    text.add(Row::requests, {{"code", "200"}, {"host", "a\"b\\c\nd"}}, 3U);
    text.add(Row::requests, 1e15);
    EXPECT_EQ(text.take(),
              "# HELP requests_total Requests.\\nAll \\\\ of them.\n"
              "# TYPE requests_total counter\n"
              "requests_total{code=\"200\",host=\"a\\\"b\\\\c\\nd\"} 3\n"
              "requests_total 1e+15\n");
}

TEST(PrometheusText, WritesNumbersThatReadBackExactly) {
    const double inf = std::numeric_limits<double>::infinity();
    PrometheusText text(kTable);
    for (const double value : {0.1, inf, -inf, inf - inf})
        text.add(Row::gauge, value);
    text.add(Row::gauge, std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(text.take(),
              "# HELP g G\n# TYPE g gauge\ng 0.1\ng +Inf\ng -Inf\ng NaN\ng "
              "18446744073709551615\n");
}

TEST(PrometheusText, WritesCumulativeHistograms) {
    constexpr std::array<double, 2> kBounds{0.0005, 1};
    constexpr std::array<std::uint64_t, 3> kCounts{3, 3, 1};
    PrometheusText text(kTable);
    text.addHistogram(Row::seconds, {{"route", "x"}}, {kBounds, kCounts, 1.5});
    text.addHistogram(Row::seconds, {}, {kBounds, kCounts, 2});
    EXPECT_EQ(text.take(),
              "# HELP h H\n# TYPE h histogram\n"
              "h_bucket{route=\"x\",le=\"0.0005\"} 3\n"
              "h_bucket{route=\"x\",le=\"1\"} 6\n"
              "h_bucket{route=\"x\",le=\"+Inf\"} 7\n"
              "h_sum{route=\"x\"} 1.5\n"
              "h_count{route=\"x\"} 7\n"
              "h_bucket{le=\"0.0005\"} 3\nh_bucket{le=\"1\"} 6\nh_bucket{le=\"+Inf\"} 7\n"
              "h_sum 2\nh_count 7\n");
}

TEST(PrometheusText, KeepsRowsTogetherAndInTheirOrder) {
    PrometheusText text(kTable);
    text.add(Row::gauge, 2U);
    text.add(Row::requests, {{"code", "1"}}, 1U);
    text.add(Row::gauge, 4U);
    const std::string all = text.take();
    EXPECT_LT(all.find("requests_total{"), all.find("g 2\ng 4\n"));
    EXPECT_EQ(all.find("# HELP h"), std::string::npos);
}

TEST(MetricTable, PrintsMarkdown) {
    EXPECT_EQ(metricsAsMarkdown(std::span(kTable).subspan(1)),
              "| name | type | labels | meaning |\n|---|---|---|---|\n"
              "| `g` | gauge | | G |\n| `h` | histogram | route | H |\n");
}

TEST(ProcessMetrics, KnowThisProcess) {
    std::map<std::string, double> values;
    std::istringstream lines(processMetrics());
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with('#'))
            values[line.substr(0, line.find(' '))] = std::stod(line.substr(line.find(' ')));
    }
    EXPECT_EQ(values.size(), processMetricTable().size());
    EXPECT_GE(values.at("process_cpu_seconds_total"), 0);
    EXPECT_GE(values.at("process_open_fds"), 3);
    EXPECT_GE(values.at("process_max_fds"), values.at("process_open_fds"));
    EXPECT_GT(values.at("process_resident_memory_bytes"), 1 << 20);
    EXPECT_GT(values.at("process_virtual_memory_bytes"),
              values.at("process_resident_memory_bytes"));
    EXPECT_GE(values.at("process_threads"), 1);
    const auto now = static_cast<double>(std::time(nullptr));
    EXPECT_NEAR(values.at("process_start_time_seconds"), now, 24 * 3600);
}

}  // namespace
}  // namespace evergate::process
