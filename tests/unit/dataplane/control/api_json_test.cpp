// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/api_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dataplane/control/snapshot_compiler.hpp"
#include "tests/unit/dataplane/control/config_builder.hpp"

namespace evergate::dataplane {
namespace {

using nlohmann::json;
using Builder = testing::ConfigBuilder;

class ApiJsonTest : public ::testing::Test {
protected:
    ApiJsonTest() {
        Builder builder;
        builder.http("http", 8080).backend("shop").backend("cart");
        builder.endpoints("shop", {{"10.0.0.1", 8080, 1}});
        builder.route("shop", "shop.example", "/", "shop");
        config_ = builder.build();
        Candidate candidate{config_, nullptr, 5, {{"shop", 1}, {"cart", 0}}};
        snapshot_ = compileSnapshot(candidate).snapshot;
        worker::BackendStats stats;
        stats.id = 1;
        worker::EndpointStats endpoint;
        endpoint.address = "10.0.0.1";
        endpoint.port = 8080;
        endpoint.weight = 1;
        endpoint.failing = true;
        endpoint.active = 2;
        endpoint.idle = 3;
        endpoint.requests = 100;
        endpoint.connects = 5;
        endpoint.connectFailures = 1;
        endpoint.failures = 4;
        stats.endpoints.push_back(endpoint);
        stats_.push_back(stats);
    }

    std::shared_ptr<const model::Config> config_;
    std::shared_ptr<const routing::Snapshot> snapshot_;
    std::vector<worker::BackendStats> stats_;
};

TEST_F(ApiJsonTest, ConfigIsKeyedAndHashed) {
    const json all = json::parse(configJson(config_.get(), *config_, 5, std::nullopt));
    EXPECT_EQ(all["version"], 5);
    EXPECT_EQ(all["entries"].size(), 5U);
    EXPECT_EQ(all["entries"]["route/shop"]["value"]["host"], "shop.example");
    EXPECT_EQ(all["entries"]["route/shop"]["hash"].get<std::string>().size(), 32U);
    const json some = json::parse(configJson(config_.get(), *config_, 5, model::Kind::endpoints));
    EXPECT_EQ(some["entries"].size(), 1U);
    EXPECT_TRUE(some["entries"].contains("endpoints/shop"));
}

TEST_F(ApiJsonTest, BackendsSayWhatPassiveChecksDid) {
    stats_[0].panic = true;
    stats_[0].endpoints[0].ejected = true;
    stats_[0].endpoints[0].slowStart = true;
    const json shop =
        json::parse(backendsJson(snapshot_.get(), {"shop", {}}, stats_))["backends"][0];
    EXPECT_EQ(shop["panic"], true);
    EXPECT_EQ(shop["endpoints"][0]["state"], "ejected");
    EXPECT_EQ(shop["endpoints"][0]["slowStart"], true);
}

TEST_F(ApiJsonTest, NothingAppliedYetIsStillJson) {
    const model::Config none;
    EXPECT_EQ(json::parse(configJson(nullptr, none, 0, std::nullopt))["entries"], json::object());
    EXPECT_EQ(json::parse(routesJson(nullptr))["routes"], json::array());
    EXPECT_EQ(json::parse(backendsJson(nullptr, {}, {}))["backends"], json::array());
    EXPECT_EQ(json::parse(listenersJson(nullptr, {}))["listeners"], json::array());
    EXPECT_TRUE(json::parse(statusJson({}))["ageSeconds"].is_null());
}

TEST_F(ApiJsonTest, StatusCountsHttp2AndHandshakes) {
    StatusFacts facts;
    json counters = json::parse(statusJson(facts))["counters"];
    EXPECT_EQ(counters["http2"],
              json({{"connections", 0}, {"streams", 0}, {"refusals", json::object()}}));
    EXPECT_EQ(counters["tls"],
              json({{"handshakes", 0}, {"resumed", 0}, {"failures", json::object()}}));

    facts.counters.http2.activeConnections = 3;
    facts.counters.http2.activeStreams = 17;
    facts.counters.http2.count(http2::Refusal::pingFlood);
    facts.counters.http2.count(http2::Refusal::timeout);
    facts.counters.http2.count(http2::Refusal::timeout);
    facts.counters.tls.done = {{{0, 1}, {1, 1}}};  // by version: full, resumed
    facts.counters.tls.countFailed(net::HandshakeFailure::alpn);
    counters = json::parse(statusJson(facts))["counters"];
    EXPECT_EQ(counters["http2"], json({{"connections", 3},
                                       {"streams", 17},
                                       {"refusals", {{"ping_flood", 1}, {"timeout", 2}}}}));
    EXPECT_EQ(counters["tls"],
              json({{"handshakes", 3}, {"resumed", 2}, {"failures", {{"alpn", 1}}}}));
}

TEST_F(ApiJsonTest, RoutesHaveTheShapeTheCliReads) {
    const json expected{{"name", "shop"},
                        {"listeners", {"http"}},
                        {"host", "shop.example"},
                        {"pathType", "prefix"},
                        {"path", "/"},
                        {"backend", "shop"},
                        {"origin", "Ingress test/shop"},
                        {"policy", json::array()}};
    EXPECT_EQ(json::parse(routesJson(config_.get()))["routes"], json::array({expected}));
}

TEST_F(ApiJsonTest, BackendsAreSortedByNameWithEndpointStates) {
    const json all = json::parse(backendsJson(snapshot_.get(), {}, stats_));
    ASSERT_EQ(all["backends"].size(), 2U);
    EXPECT_EQ(all["backends"][0]["name"], "cart");
    EXPECT_EQ(all["backends"][0]["endpoints"], json::array());
    EXPECT_EQ(all["backends"][1]["balance"], "roundRobin");
    const json& endpoint = all["backends"][1]["endpoints"][0];
    EXPECT_EQ(endpoint["state"], "failing");
    EXPECT_EQ(endpoint["active"], 2);
    EXPECT_EQ(endpoint["idle"], 3);
    EXPECT_EQ(endpoint["requests"], 100);
    EXPECT_EQ(endpoint["failures"], 4);
}

TEST_F(ApiJsonTest, BackendsCanBeFilteredAndLimited) {
    EXPECT_EQ(selectBackends(snapshot_.get(), {"sho", std::nullopt}),
              std::vector<routing::BackendId>{1});
    EXPECT_EQ(selectBackends(snapshot_.get(), {"", 1}), std::vector<routing::BackendId>{0});
    const json some = json::parse(backendsJson(snapshot_.get(), {"", 1}, stats_));
    EXPECT_EQ(some["total"], 2);
    EXPECT_EQ(some["backends"].size(), 1U);
}

TEST_F(ApiJsonTest, RevisionsSayWhatWasWrong) {
    RevisionHistory history;
    RevisionRecord record;
    record.version = 9;
    record.problems = {"listener/x: 0.0.0.0:80: address in use by another process"};
    history.add(record);
    const json revision = json::parse(revisionsJson(history))["revisions"][0];
    EXPECT_EQ(revision["version"], 9);
    EXPECT_EQ(revision["lane"], "config");
    EXPECT_EQ(revision["result"], "rejected");
    EXPECT_EQ(revision["problems"].size(), 1U);
}

TEST_F(ApiJsonTest, ExplainCarriesTheEndpointsOfItsBackend) {
    Explanation explanation;
    explanation.backend = "shop";
    explanation.backendId = 1;
    explanation.steps = {"one"};
    const json answer = json::parse(explainJson(explanation, stats_));
    EXPECT_EQ(answer["endpoints"].size(), 1U);
    EXPECT_EQ(answer["steps"], json::array({"one"}));
}

TEST_F(ApiJsonTest, ListenersSumTheWorkers) {
    std::vector<worker::WorkerStats> workers(2);
    for (auto& worker : workers)
        worker.listeners.push_back({"http", "127.0.0.1:8080", 4, 1});
    const json listener = json::parse(listenersJson(snapshot_.get(), workers))["listeners"][0];
    EXPECT_EQ(listener["accepted"], 8);
    EXPECT_EQ(listener["active"], 2);
    EXPECT_EQ(listener["protocol"], "http");
    EXPECT_EQ(listener["port"], 8080);
}

}  // namespace
}  // namespace evergate::dataplane
