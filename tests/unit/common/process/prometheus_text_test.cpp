// SPDX-License-Identifier: Apache-2.0
#include "common/process/prometheus_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/process/process_collector.hpp"

namespace evergate::process {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric counter(double value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    return metric;
}

ClientMetric gauge(double value) {
    ClientMetric metric;
    metric.gauge.value = value;
    return metric;
}

TEST(PrometheusText, WritesCountersWithLabels) {
    const MetricFamily family{
        "evergate_requests_total",
        "Requests.\nAll \\ of them.",
        MetricType::Counter,
        {counter(3, {{"code", "200"}, {"host", "a\"b\\c\nd"}}), counter(1e15)}};
    EXPECT_EQ(toPrometheusText({family}),
              "# HELP evergate_requests_total Requests.\\nAll \\\\ of them.\n"
              "# TYPE evergate_requests_total counter\n"
              "evergate_requests_total{code=\"200\",host=\"a\\\"b\\\\c\\nd\"} 3\n"
              "evergate_requests_total 1e+15\n");
}

TEST(PrometheusText, WritesNumbersThatReadBackExactly) {
    const double inf = std::numeric_limits<double>::infinity();
    const MetricFamily family{
        "g", "", MetricType::Gauge, {gauge(0.1), gauge(inf), gauge(-inf), gauge(inf - inf)}};
    EXPECT_EQ(toPrometheusText({family}), "# TYPE g gauge\ng 0.1\ng +Inf\ng -Inf\ng NaN\n");
}

TEST(PrometheusText, WritesHistogramsWithAnInfiniteBucket) {
    ClientMetric metric;
    metric.label = {{"route", "x"}};
    metric.histogram = {7, 1.5, {{3, 0.1}, {6, 1}}};
    const MetricFamily family{"h", "H", MetricType::Histogram, {metric}};
    EXPECT_EQ(toPrometheusText({family}),
              "# HELP h H\n# TYPE h histogram\n"
              "h_bucket{route=\"x\",le=\"0.1\"} 3\n"
              "h_bucket{route=\"x\",le=\"1\"} 6\n"
              "h_bucket{route=\"x\",le=\"+Inf\"} 7\n"
              "h_sum{route=\"x\"} 1.5\n"
              "h_count{route=\"x\"} 7\n");
    metric.histogram.bucket.push_back({7, std::numeric_limits<double>::infinity()});
    EXPECT_EQ(toPrometheusText({family}),
              toPrometheusText({{"h", "H", MetricType::Histogram, {metric}}}));
}

TEST(PrometheusText, WritesSummariesUntypedAndTimestamps) {
    ClientMetric summary;
    summary.summary = {2, 3.5, {{0.5, 1}}};
    ClientMetric untyped;
    untyped.untyped.value = 4;
    untyped.timestamp_ms = 1234;
    EXPECT_EQ(toPrometheusText({{"s", "", MetricType::Summary, {summary}},
                                {"u", "", MetricType::Untyped, {untyped}}}),
              "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3.5\ns_count 2\n"
              "# TYPE u untyped\nu 4 1234\n");
}

TEST(PrometheusText, WritesANameOnce) {
    EXPECT_EQ(toPrometheusText({{"a", "A", MetricType::Counter, {counter(1)}},
                                {"b", "", MetricType::Gauge, {gauge(2)}},
                                {"a", "other", MetricType::Counter, {counter(3)}},
                                {"a", "wrong", MetricType::Gauge, {gauge(4)}}}),
              "# HELP a A\n# TYPE a counter\na 1\na 3\n# TYPE b gauge\nb 2\n");
}

TEST(ProcessCollector, KnowsThisProcess) {
    std::map<std::string, double> values;
    for (const MetricFamily& family : ProcessCollector().Collect()) {
        ASSERT_EQ(family.metric.size(), 1U);
        values[family.name] = family.type == MetricType::Counter ? family.metric[0].counter.value
                                                                 : family.metric[0].gauge.value;
    }
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
