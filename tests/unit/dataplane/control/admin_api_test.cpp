// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/admin_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "tests/unit/dataplane/control/config_builder.hpp"

namespace evergate::dataplane {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using Builder = testing::ConfigBuilder;

class PassivePublisher final : public SnapshotPublisher {
public:
    std::unique_ptr<worker::BoundListener> bind(const std::string& name, const model::Listener&,
                                                std::string&) override {
        return std::make_unique<worker::BoundListener>(name, std::vector<int>{});
    }

    void publish(worker::Publication, std::function<void()> applied) override { applied(); }

    void updateEndpoints(std::vector<worker::EndpointsUpdate>,
                         std::function<void()> applied) override {
        applied();
    }
};

class FixedReports final : public WorkerReports {
public:
    void collect(std::function<void(std::vector<worker::WorkerStats>)> done) override {
        done(workers);
    }

    void collectBackends(std::vector<routing::BackendId> ids,
                         std::function<void(std::vector<worker::BackendStats>)> done) override {
        asked = std::move(ids);
        done(backends);
    }

    void collectTraffic(bool endpoints, std::function<void(worker::TrafficReport)> done) override {
        askedEndpoints = endpoints;
        done({backends, {}});
    }

    void collectConnections(
        std::size_t limit, std::function<void(std::vector<worker::ConnectionInfo>)> done) override {
        connectionLimit = limit;
        done({{0, "10.0.0.9:1", "http", "idle", "", 1, 2}});
    }

    std::uint64_t accessLogDropped() const noexcept override { return 17; }

    std::vector<worker::WorkerStats> workers{2};
    std::vector<worker::BackendStats> backends;
    std::vector<routing::BackendId> asked;
    bool askedEndpoints = false;
    std::size_t connectionLimit = 0;
};

class AdminApiTest : public ::testing::Test {
protected:
    static AdminApiOptions optionsFor(const ProgramFacts& facts, int& drains) {
        AdminApiOptions options;
        options.nodeId = "edge-1";
        options.root = "/nonexistent";
        options.facts = [&facts] { return facts; };
        options.drain = [&drains] { ++drains; };
        return options;
    }

    process::AdminResponse get(const std::string& target, const std::string& method = "GET") {
        auto parsed = process::parseAdminTarget(target);
        if (!parsed)
            return {400, "", ""};
        const process::AdminRequest request{method, parsed->path, parsed->query, ""};
        std::optional<process::AdminResponse> reply;
        api_.handle(request, [&](process::AdminResponse answer) { reply = std::move(answer); });
        EXPECT_TRUE(reply) << target;
        return reply.value_or(process::AdminResponse{});
    }

    json getJson(const std::string& target) {
        const process::AdminResponse reply = get(target);
        EXPECT_EQ(reply.status, 200U) << target;
        EXPECT_EQ(reply.contentType, "application/json");
        return json::parse(reply.body);
    }

    void applyShop() {
        Builder builder;
        builder.http("http", 8080).backend("shop").endpoints("shop", {{"10.0.0.1", 80, 1}});
        builder.route("shop", "shop.example", "/", "shop");
        bool done = false;
        applier_.applyConfig(builder.build(), 3, [&](const auto& problems) {
            EXPECT_TRUE(problems.empty());
            done = true;
        });
        while (!done)
            io_.run_one();
        worker::BackendStats stats;
        stats.id = *applier_.ids().find("shop");
        worker::EndpointStats endpoint;
        endpoint.address = "10.0.0.1";
        endpoint.port = 80;
        endpoint.weight = 1;
        endpoint.requests = 5;
        stats.endpoints.push_back(endpoint);
        reports_.backends = {stats};
    }

    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    PassivePublisher publisher_;
    ConfigApplier applier_{io_.get_executor(), publisher_, nullptr};
    FixedReports reports_;
    ProgramFacts facts_;
    int drains_ = 0;
    AdminApi api_{applier_, reports_, optionsFor(facts_, drains_)};
};

TEST_F(AdminApiTest, AliveButNotReadyBeforeTheFirstConfiguration) {
    EXPECT_EQ(get("/healthz").status, 200U);
    const process::AdminResponse reply = get("/readyz");
    EXPECT_EQ(reply.status, 503U);
    EXPECT_EQ(reply.body, "no configuration applied yet\n");
    EXPECT_EQ(get("/api/v1/explain?url=http://shop.example/").status, 503U);
    EXPECT_FALSE(getJson("/api/v1/status")["ready"]);
}

TEST_F(AdminApiTest, ReadyOnceAppliedAndNotWhileDraining) {
    applyShop();
    EXPECT_EQ(get("/readyz").status, 200U);
    facts_.draining = true;
    EXPECT_EQ(get("/readyz").status, 503U);
    EXPECT_EQ(get("/readyz").body, "draining\n");
    EXPECT_EQ(get("/healthz").status, 200U);
}

TEST_F(AdminApiTest, EveryJsonPageAnswersBeforeAndAfterAConfiguration) {
    const std::vector<std::string> pages{"status",   "config",      "routes",   "listeners",
                                         "backends", "connections", "revisions"};
    for (const auto& page : pages)
        getJson("/api/v1/" + page);
    applyShop();
    for (const auto& page : pages)
        getJson("/api/v1/" + page);
}

TEST_F(AdminApiTest, StatusTellsStaleFromConnected) {
    applyShop();
    facts_.link.age = std::chrono::seconds(90);
    facts_.link.lastError = "connection refused";
    json status = getJson("/api/v1/status");
    EXPECT_EQ(status["stale"], true);
    EXPECT_EQ(status["ageSeconds"], 90);
    EXPECT_EQ(status["lastError"], "connection refused");
    facts_.link.connected = true;
    facts_.configVersion = 3;
    status = getJson("/api/v1/status");
    EXPECT_EQ(status["stale"], false);
    EXPECT_EQ(status["version"], 3);
    EXPECT_EQ(status["rootHash"].get<std::string>().size(), 64U);
    EXPECT_EQ(status["nodeId"], "edge-1");
    EXPECT_EQ(status["workers"], 2);
}

TEST_F(AdminApiTest, ExplainAsksOnlyForItsBackend) {
    applyShop();
    const json answer = getJson(
        "/api/v1/explain?method=GET&url=http://127.0.0.1:8080/"
        "x&header=X:%201%0D%0AHost:%20shop.example");
    EXPECT_EQ(answer["route"], "shop");
    EXPECT_EQ(answer["endpoints"][0]["address"], "10.0.0.1");
    EXPECT_EQ(reports_.asked.size(), 1U);
    EXPECT_EQ(get("/api/v1/explain?url=ftp://x").status, 400U);
    EXPECT_EQ(get("/api/v1/explain?url=/&header=nocolon").status, 400U);
}

TEST_F(AdminApiTest, BackendsThatNobodyMatchesAskNoWorker) {
    applyShop();
    reports_.asked = {99};
    EXPECT_EQ(getJson("/api/v1/backends?filter=nothing")["backends"], json::array());
    EXPECT_EQ(reports_.asked, std::vector<routing::BackendId>{99});
    EXPECT_EQ(getJson("/api/v1/backends")["backends"][0]["endpoints"][0]["requests"], 5);
}

TEST_F(AdminApiTest, ConnectionsAreBounded) {
    getJson("/api/v1/connections");
    EXPECT_EQ(reports_.connectionLimit, 100U);
    getJson("/api/v1/connections?limit=99999999");
    EXPECT_EQ(reports_.connectionLimit, 10'000U);
    EXPECT_EQ(get("/api/v1/connections?limit=-1").status, 400U);
}

TEST_F(AdminApiTest, ConfigByKind) {
    applyShop();
    EXPECT_EQ(getJson("/api/v1/config")["entries"].size(), 4U);
    EXPECT_EQ(getJson("/api/v1/config?kind=route")["entries"].size(), 1U);
    EXPECT_EQ(get("/api/v1/config?kind=secret").status, 400U);
}

TEST_F(AdminApiTest, MetricsNameBackends) {
    applyShop();
    facts_.configVersion = 7;
    const process::AdminResponse reply = get("/metrics");
    EXPECT_THAT(reply.contentType, HasSubstr("version=0.0.4"));
    EXPECT_THAT(reply.body, HasSubstr("evergate_config_version 7\n"));
    EXPECT_THAT(reply.body, HasSubstr("evergate_accesslog_dropped_total 17\n"));
    EXPECT_THAT(
        reply.body,
        HasSubstr("evergate_endpoint_requests_total{backend=\"shop\",endpoint=\"10.0.0.1:80\"} 5"));
    EXPECT_EQ(reply.body.find("evergate_rpc_age_seconds "), std::string::npos);
}

TEST_F(AdminApiTest, ThePageLoadsNothingFromElsewhere) {
    const process::AdminResponse reply = get("/");
    EXPECT_THAT(reply.contentType, HasSubstr("text/html"));
    EXPECT_EQ(reply.body.find("src="), std::string::npos);
    EXPECT_EQ(reply.body.find("@import"), std::string::npos);
    EXPECT_EQ(reply.body.find("innerHTML"), std::string::npos);
}

TEST_F(AdminApiTest, StrangersGet404) {
    EXPECT_EQ(get("/nope").status, 404U);
}

TEST_F(AdminApiTest, DrainNeedsAPost) {
    EXPECT_EQ(get("/api/v1/drain").status, 404U);
    EXPECT_EQ(drains_, 0);
    EXPECT_EQ(get("/api/v1/drain", "POST").status, 202U);
    EXPECT_EQ(drains_, 1);
}

}  // namespace
}  // namespace evergate::dataplane
