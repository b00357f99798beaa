// SPDX-License-Identifier: Apache-2.0
#include "controller/controller_metrics.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "controller/controller_metric_table.hpp"

namespace evergate::controller {
namespace {

using std::chrono::milliseconds;

class ControllerMetricsTest : public ::testing::Test {
protected:
    std::string text() const { return metrics.text(facts, publisher); }

    bool has(const std::string& line) const {
        return ("\n" + text()).find("\n" + line + "\n") != std::string::npos;
    }

    boost::asio::io_context io;
    ControllerFacts facts;
    ControllerMetrics metrics;
    Publisher publisher{io, "epoch",
                        process::Logging(spdlog::level::off, process::LogFormat::text,
                                         std::make_shared<spdlog::sinks::null_sink_mt>())
                            .logger("test"),
                        metrics, [] {}};
};

TEST_F(ControllerMetricsTest, WritesWhatHappened) {
    metrics.onAck(model::Lane::endpoints, milliseconds(3));
    metrics.onAck(model::Lane::endpoints, milliseconds(700));
    metrics.onApplied(model::Lane::config, milliseconds(20));
    metrics.onNack(model::Lane::config, 2);
    metrics.onResume(model::Lane::config, ResumeKind::diff);
    metrics.onLinkLost();
    EXPECT_TRUE(
        has("evergate_controller_event_to_ack_seconds_bucket{lane=\"endpoints\","
            "le=\"0.005\"} 1"));
    EXPECT_TRUE(
        has("evergate_controller_event_to_ack_seconds_bucket{lane=\"endpoints\","
            "le=\"+Inf\"} 2"));
    EXPECT_TRUE(has("evergate_controller_event_to_ack_seconds_sum{lane=\"endpoints\"} 0.703"));
    EXPECT_TRUE(has("evergate_controller_event_to_applied_seconds_count{lane=\"config\"} 1"));
    EXPECT_TRUE(has("evergate_controller_nacks_total{lane=\"config\"} 1"));
    EXPECT_TRUE(has("evergate_controller_refused_keys_total{lane=\"config\"} 2"));
    EXPECT_TRUE(has("evergate_controller_resumes_total{lane=\"config\",kind=\"diff\"} 1"));
    EXPECT_TRUE(has("evergate_controller_dataplane_connections_lost_total 1"));
}

TEST_F(ControllerMetricsTest, WritesTheSource) {
    facts.source.synced = true;
    facts.source.state = "watching";
    facts.source.objects = 7;
    facts.problems = 3;
    EXPECT_TRUE(has("evergate_controller_source_watching 1"));
    EXPECT_TRUE(has("evergate_controller_source_objects 7"));
    EXPECT_TRUE(has("evergate_controller_problems 3"));
    facts.source.state = "services: backing off 1s: connection refused";
    EXPECT_TRUE(has("evergate_controller_source_watching 0"));
    EXPECT_TRUE(has("evergate_controller_ready 0"));
}

TEST(ControllerMetricTable, NamesFollowTheConventions) {
    std::set<std::string_view> seen;
    for (const auto& metric : controllerMetricTable()) {
        EXPECT_TRUE(seen.insert(metric.name).second) << metric.name;
        EXPECT_TRUE(metric.name.starts_with("evergate_controller_")) << metric.name;
        EXPECT_EQ(metric.name.ends_with("_total"), metric.kind == process::MetricKind::counter)
            << metric.name;
        EXPECT_FALSE(metric.help.empty()) << metric.name;
    }
}

TEST(ControllerMetricTable, DocumentIsCurrent) {
    std::ifstream file(EVERGATE_SOURCE_DIR "/docs/metrics.md");
    std::ostringstream written;
    written << file.rdbuf();
    EXPECT_TRUE(written.str().ends_with(controllerMetricsDocument()))
        << "run the command in docs/metrics.md";
}

}  // namespace
}  // namespace evergate::controller
