// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/metrics.hpp"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <fstream>
#include <set>
#include <sstream>

#include "dataplane/control/metric_table.hpp"

namespace evergate::dataplane {
namespace {

worker::EndpointStats endpoint(const std::string& address, std::uint64_t requests) {
    worker::EndpointStats stats;
    stats.address = address;
    stats.port = 8080;
    stats.requests = requests;
    return stats;
}

Scrape fullScrape() {
    Scrape scrape;
    scrape.workers.resize(2);
    for (auto& worker : scrape.workers) {
        worker.counters.activeConnections = 5;
        worker.counters.idleConnections = 2;
        worker.counters.responses = {1, 0, 10, 0, 3, 0};
        worker.counters.errors[static_cast<std::size_t>(http::ProxyError::noRoute)] = 3;
        worker.counters.durations.observe(400);
        worker.counters.durations.observe(2'000);
        worker.counters.durations.observe(90'000'000);
        worker.listeners.push_back({"http", "127.0.0.1:80", 7, 1});
        worker.snapshotVersion = 4;
    }
    worker::BackendStats backend;
    backend.id = 3;
    backend.responsesByClass = {0, 0, 12, 0, 0, 1};
    backend.endpoints = {endpoint("10.0.0.1", 9), endpoint("::1", 4)};
    backend.endpoints[1].failing = true;
    scrape.backends.push_back(backend);
    scrape.backends.push_back({9, {}, {endpoint("10.9.9.9", 1)}});
    scrape.backendName = [](routing::BackendId id) -> std::string_view {
        return id == 3 ? "shop" : "";
    };
    scrape.control.objects = {{"route", 2}};
    scrape.control.rpcAgeSeconds = 1.5;
    scrape.limits.memoryBytes = 1'000;
    scrape.limits.localPorts = 28'232;
    scrape.sockets = {{"tw", 3}};
    return scrape;
}

std::string text(const Scrape& scrape) {
    return prometheus::TextSerializer().Serialize(collectMetrics(scrape));
}

bool has(const std::string& all, const std::string& line) {
    return ("\n" + all).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, EveryDescribedMetricIsProduced) {
    std::set<std::string> produced;
    for (const auto& family : collectMetrics(fullScrape()))
        produced.insert(family.name);
    for (const auto& metric : metricTable())
        EXPECT_TRUE(produced.contains(std::string(metric.name))) << metric.name;
}

TEST(Metrics, LabelsAreThoseDescribed) {
    for (const auto& family : collectMetrics(fullScrape())) {
        const auto described =
            std::find_if(metricTable().begin(), metricTable().end(),
                         [&](const auto& one) { return one.name == family.name; });
        ASSERT_NE(described, metricTable().end());
        for (const auto& metric : family.metric) {
            std::string labels;
            for (const auto& label : metric.label)
                labels += (labels.empty() ? "" : ", ") + label.name;
            EXPECT_EQ(labels, described->labels) << family.name;
        }
    }
}

TEST(Metrics, SumsWorkers) {
    const std::string all = text(fullScrape());
    EXPECT_TRUE(has(all, "evergate_connections{state=\"busy\"} 6"));
    EXPECT_TRUE(has(all, "evergate_connections{state=\"idle\"} 4"));
    EXPECT_TRUE(has(all, "evergate_requests_total{code=\"2xx\"} 20"));
    EXPECT_TRUE(has(all, "evergate_errors_total{reason=\"no_route\"} 6"));
    EXPECT_TRUE(has(all,
                    "evergate_listener_connections_accepted_total{listener=\"http\","
                    "address=\"127.0.0.1:80\"} 14"));
    EXPECT_TRUE(has(all, "evergate_worker_config_version{worker=\"1\"} 4"));
}

TEST(Metrics, HistogramIsCumulativeAndInSeconds) {
    const std::string all = text(fullScrape());
    EXPECT_TRUE(has(all, "evergate_request_duration_seconds_bucket{le=\"0.0005\"} 2"));
    EXPECT_TRUE(has(all, "evergate_request_duration_seconds_bucket{le=\"0.0025\"} 4"));
    EXPECT_TRUE(has(all, "evergate_request_duration_seconds_bucket{le=\"30\"} 4"));
    EXPECT_TRUE(has(all, "evergate_request_duration_seconds_bucket{le=\"+Inf\"} 6"));
    EXPECT_TRUE(has(all, "evergate_request_duration_seconds_count 6"));
}

TEST(Metrics, BackendsAreNamedAndStrangersLeftOut) {
    const std::string all = text(fullScrape());
    EXPECT_TRUE(has(all, "evergate_backend_responses_total{backend=\"shop\",code=\"5xx\"} 1"));
    EXPECT_TRUE(has(all, "evergate_backend_endpoints{backend=\"shop\",state=\"ready\"} 1"));
    EXPECT_TRUE(has(all, "evergate_backend_endpoints{backend=\"shop\",state=\"failing\"} 1"));
    EXPECT_TRUE(has(all, "evergate_endpoint_up{backend=\"shop\",endpoint=\"[::1]:8080\"} 0"));
    EXPECT_EQ(all.find("10.9.9.9"), std::string::npos);
}

TEST(Metrics, TooManyEndpointsLeaveOnlyBackends) {
    Scrape scrape = fullScrape();
    scrape.endpointLimit = 2;
    const std::string all = text(scrape);
    EXPECT_TRUE(has(all, "evergate_endpoint_series_limited 1"));
    EXPECT_EQ(all.find("evergate_endpoint_up{"), std::string::npos);
    EXPECT_NE(all.find("evergate_backend_endpoints{"), std::string::npos);
}

TEST(MetricTable, NamesFollowTheConventions) {
    std::set<std::string_view> seen;
    for (const auto& metric : metricTable()) {
        EXPECT_TRUE(seen.insert(metric.name).second) << metric.name;
        EXPECT_TRUE(metric.name.starts_with("evergate_")) << metric.name;
        EXPECT_EQ(metric.name.ends_with("_total"), metric.kind == MetricKind::counter)
            << metric.name;
        EXPECT_FALSE(metric.help.empty()) << metric.name;
        for (const char* unit : {"_ms", "_millis", "_micros", "_kb", "_mb", "_percent"})
            EXPECT_EQ(metric.name.find(unit), std::string_view::npos) << metric.name;
        for (const char* suffix : {"_count", "_sum", "_bucket"})
            EXPECT_FALSE(metric.name.ends_with(suffix)) << metric.name;
    }
}

TEST(MetricTable, DocumentIsCurrent) {
    std::ifstream file(EVERGATE_SOURCE_DIR "/docs/metrics.md");
    std::ostringstream written;
    written << file.rdbuf();
    EXPECT_EQ(written.str(), metricsDocument())
        << "run: evergate-dataplane --print-metrics-doc > docs/metrics.md";
}

}  // namespace
}  // namespace evergate::dataplane
