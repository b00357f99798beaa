// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/metrics.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "dataplane/control/metric_table.hpp"
#include "dataplane/http/proxy_error.hpp"

namespace evergate::dataplane {
namespace {

using process::MetricKind;
using session::StatusCounts;

worker::EndpointStats endpoint(const std::string& address, std::uint64_t requests) {
    worker::EndpointStats stats;
    stats.address = address;
    stats.port = 8080;
    stats.requests = requests;
    return stats;
}

upstream::TrafficCounters traffic() {
    upstream::TrafficCounters counters;
    counters.statuses.add(StatusCounts::indexOf(200));
    counters.statuses.add(StatusCounts::indexOf(503));
    counters.statuses.add(StatusCounts::indexOf(499));
    counters.durations.observe(700);
    counters.firstBytes.observe(600);
    counters.reasons[static_cast<std::size_t>(http::ProxyError::noEndpoint)] = 1;
    return counters;
}

worker::BackendStats shop() {
    worker::BackendStats backend;
    backend.id = 3;
    backend.traffic = traffic();
    backend.tcpConnections = 2;
    backend.configured = 3;
    backend.failing = 1;
    backend.down = 1;
    backend.draining = 1;
    backend.ejections[1] = 2;
    backend.endpoints = {endpoint("10.0.0.1", 9), endpoint("::1", 4), endpoint("10.0.0.1", 1)};
    backend.endpoints[1].failing = true;
    backend.endpoints[2].retired = true;
    return backend;
}

Scrape fullScrape() {
    Scrape scrape;
    scrape.workers.resize(2);
    for (auto& worker : scrape.workers) {
        worker.counters.activeConnections = 5;
        worker.counters.idleConnections = 2;
        worker.counters.statuses.add(StatusCounts::indexOf(404));
        worker.counters.errors[static_cast<std::size_t>(http::ProxyError::noRoute)] = 3;
        worker.counters.durations.observe(400);
        worker.counters.durations.observe(2'000);
        worker.counters.durations.observe(90'000'000);
        worker.listeners.push_back({"http", "127.0.0.1:80", 7, 1, 3, 50});
        worker.snapshotVersion = 4;
    }
    scrape.traffic.backends = {shop(), {}};
    scrape.traffic.backends[1].id = 9;
    scrape.traffic.backends[1].endpoints = {endpoint("10.9.9.9", 1)};
    scrape.backendName = [](routing::BackendId id) -> std::string_view {
        return id == 3 ? "default/shop/80" : "";
    };
    scrape.backendCount = 1;
    scrape.endpointCount = 2;
    scrape.routes.emplace(7, RouteFacts{"r", "default/shop/80", "shop.example", "/", "Ingress x"});
    scrape.traffic.routes = {{2, traffic()}, {7, traffic()}};
    scrape.control.objects = {{"route", 2}};
    scrape.control.certificates = {{"shop/tls", 1'800'000'000}};
    scrape.control.rpcAgeSeconds = 1.5;
    scrape.control.appliedAt = 1e9;
    scrape.control.certificates = {{"shop/tls", 1'700'000'000}};
    scrape.limits.memoryBytes = 1'000;
    scrape.limits.socketMemoryBytes = 2'000;
    scrape.limits.localPorts = 28'232;
    scrape.limits.somaxconn = 4'096;
    scrape.serving = {100, 2'000, std::chrono::milliseconds(250), {}};
    scrape.use = {10, 4, 500};
    scrape.sockets = {{"tw", 3}};
    scrape.socketMemory = 4'096;
    scrape.ownSockets.add(1, std::chrono::seconds(0));
    scrape.ownSockets.add(8, std::chrono::seconds(90));
    return scrape;
}

std::string text(const Scrape& scrape) {
    return metricsText(scrape);
}

bool has(const std::string& all, const std::string& line) {
    return ("\n" + all).find("\n" + line + "\n") != std::string::npos;
}

// The label names of every series, by metric.
std::map<std::string, std::set<std::string>> labelsOf(const std::string& all) {
    std::map<std::string, std::set<std::string>> result;
    std::istringstream lines(all);
    std::string current;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# TYPE "))
            current = line.substr(7, line.find(' ', 7) - 7);
        if (line.starts_with('#'))
            continue;
        std::string labels;
        for (auto at = line.find("=\""); at != std::string::npos; at = line.find("=\"", at + 1)) {
            const auto begin = line.find_last_of("{,", at) + 1;
            const std::string name = line.substr(begin, at - begin);
            if (name != "le")
                labels += (labels.empty() ? "" : ", ") + name;
        }
        result[current].insert(labels);
    }
    return result;
}

TEST(Metrics, EveryDescribedMetricIsProducedWithItsLabels) {
    const auto produced = labelsOf(text(fullScrape()));
    EXPECT_EQ(produced.size(), metricTable().size());
    for (const auto& metric : metricTable()) {
        const auto found = produced.find(std::string(metric.name));
        ASSERT_NE(found, produced.end()) << metric.name;
        EXPECT_EQ(found->second, std::set<std::string>{std::string(metric.labels)}) << metric.name;
    }
}

TEST(Metrics, NoSeriesComesTwice) {
    std::set<std::string> seen;
    std::istringstream lines(text(fullScrape()));
    for (std::string line; std::getline(lines, line);)
        EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second || line.starts_with('#'))
            << line;
}

TEST(Metrics, SumsWorkers) {
    const std::string all = text(fullScrape());
    EXPECT_TRUE(has(all, "evergate_connections{state=\"busy\"} 6"));
    EXPECT_TRUE(has(all, "evergate_connections{state=\"idle\"} 4"));
    EXPECT_TRUE(has(all, "evergate_requests_total{code=\"404\"} 2"));
    EXPECT_TRUE(has(all, "evergate_requests_total{code=\"500\"} 0"));
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
    const std::string shop = "backend=\"default/shop/80\"";
    EXPECT_TRUE(has(all, "evergate_backend_requests_total{" + shop + ",code=\"503\"} 1"));
    EXPECT_TRUE(has(all, "evergate_backend_requests_total{" + shop + ",code=\"4xx\"} 1"));
    EXPECT_EQ(all.find("evergate_backend_requests_total{" + shop + ",code=\"500\"}"),
              std::string::npos);
    EXPECT_TRUE(has(all, "evergate_backend_errors_total{" + shop + ",reason=\"no_endpoint\"} 1"));
    EXPECT_TRUE(has(all, "evergate_backend_endpoints{" + shop + ",state=\"ready\"} 1"));
    EXPECT_TRUE(has(all, "evergate_backend_endpoints{" + shop + ",state=\"failing\"} 1"));
    EXPECT_TRUE(has(all, "evergate_backend_endpoints{" + shop + ",state=\"down\"} 1"));
    EXPECT_TRUE(has(all, "evergate_backend_endpoints{" + shop + ",state=\"draining\"} 1"));
    EXPECT_TRUE(has(all, "evergate_endpoint_up{" + shop + ",endpoint=\"[::1]:8080\"} 0"));
    EXPECT_EQ(all.find("10.9.9.9"), std::string::npos);
}

TEST(Metrics, RoutesThatAreConfiguredHaveSeries) {
    const std::string all = text(fullScrape());
    EXPECT_TRUE(has(all,
                    "evergate_route_requests_total{route=\"r\",backend=\"default/shop/80\","
                    "code=\"200\"} 1"));
    EXPECT_TRUE(has(all,
                    "evergate_route_info{route=\"r\",backend=\"default/shop/80\","
                    "host=\"shop.example\",path=\"/\",origin=\"Ingress x\"} 1"));
}

TEST(Metrics, TooManyOfAKindLeaveTheirSeriesOut) {
    Scrape scrape = fullScrape();
    scrape.series = {1, 0, 0};
    const std::string all = text(scrape);
    EXPECT_TRUE(has(all, "evergate_series_left_out{kind=\"endpoint\"} 2"));
    EXPECT_TRUE(has(all, "evergate_series_left_out{kind=\"route\"} 1"));
    EXPECT_TRUE(has(all, "evergate_series_left_out{kind=\"histogram\"} 1"));
    for (const std::string gone :
         {"endpoint_", "route_", "backend_first_byte", "backend_request_duration"})
        EXPECT_EQ(all.find("\nevergate_" + gone), std::string::npos) << gone;
    EXPECT_NE(all.find("evergate_backend_endpoints{"), std::string::npos);
    EXPECT_NE(all.find("evergate_backend_requests_total{"), std::string::npos);
}

TEST(Metrics, CloseWaitIsCountedByAge) {
    const std::string all = text(fullScrape());
    EXPECT_TRUE(has(all, "evergate_own_sockets{state=\"close_wait\"} 1"));
    EXPECT_TRUE(has(all, "evergate_close_wait_sockets{older_than=\"1m\"} 1"));
    EXPECT_TRUE(has(all, "evergate_close_wait_sockets{older_than=\"10m\"} 0"));
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
    EXPECT_TRUE(written.str().starts_with(metricsDocument()))
        << "run: { evergate-dataplane --print-metrics-doc; evergate-controller --source=kubernetes "
           "--print-metrics-doc; } > docs/metrics.md";
}

}  // namespace
}  // namespace evergate::dataplane
