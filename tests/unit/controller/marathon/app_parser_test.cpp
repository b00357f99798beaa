// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/app_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/marathon/task_rules.hpp"
#include "tests/unit/controller/marathon/samples.hpp"

namespace evergate::controller::marathon {
namespace {

std::string endpoints(const App& app, std::size_t index = 0) {
    return textOf(endpointsOf(
        app, app.shape.ports.at(index), [](const std::string&) { return std::string(); }, nullptr));
}

TEST(AppParser, ReadsHostMode) {
    const auto app = appOf(R"({"id": "/db", "networks": [{"mode": "host"}],
        "portDefinitions": [{"port": 15432, "protocol": "tcp", "name": "pg"}],
        "tasks": [{"id": "db.1", "host": "10.1.0.12", "ports": [31432], "state": "TASK_RUNNING"}]})");
    EXPECT_EQ(app.shape.mode, NetworkMode::host);
    ASSERT_EQ(app.shape.ports.size(), 1U);
    EXPECT_EQ(app.shape.ports[0].port, 15432);
    EXPECT_EQ(endpoints(app), "10.1.0.12:31432");
}

TEST(AppParser, ReadsBridgeModeOfEveryAge) {
    for (const auto* shape :
         {R"("networks": [{"mode": "container/bridge"}], "container": {"portMappings":
             [{"containerPort": 8080, "hostPort": 0, "servicePort": 10010}]})",
          R"("container": {"docker": {"network": "BRIDGE", "portMappings":
             [{"containerPort": 8080, "hostPort": 0, "servicePort": 10010}]}})",
          R"("container": {"docker": {"network": "BRIDGE", "portMappings": []}, "portMappings":
             [{"containerPort": 8080, "hostPort": 0, "servicePort": 10010, "protocol": "tcp"}]},
             "portDefinitions": [], "ipAddress": null)"}) {
        const auto app = appOf(R"({"id": "/web", )" + std::string(shape) +
                               R"(, "tasks": [{"id": "w.1", "host": "10.1.0.11",
            "ports": [31007], "ipAddresses": [{"ipAddress": "172.17.0.4"}]}]})");
        EXPECT_EQ(app.shape.mode, NetworkMode::bridge) << shape;
        EXPECT_EQ(app.shape.ports.at(0).port, 10010) << shape;
        EXPECT_EQ(endpoints(app), "10.1.0.11:31007") << shape;
    }
}

TEST(AppParser, ReadsAddressesOfContainers) {
    for (const auto* shape :
         {R"("networks": [{"mode": "container", "name": "dcos"}], "container": {"portMappings":
             [{"containerPort": 9000, "servicePort": 10020, "name": "api"}]})",
          R"("container": {"docker": {"network": "USER", "portMappings":
             [{"containerPort": 9000, "servicePort": 10020}]}}, "ipAddress": {"networkName": "d"})",
          R"("ipAddress": {"discovery": {"ports": [{"number": 9000, "protocol": "tcp"}]}},
             "ports": [10020])"}) {
        const auto app = appOf(R"({"id": "/edge/api", )" + std::string(shape) +
                               R"(, "tasks": [{"id": "e.1", "host": "10.1.0.13", "ports": [],
            "ipAddresses": [{"ipAddress": "9.0.2.5", "protocol": "IPv4"}]}]})");
        EXPECT_EQ(app.shape.mode, NetworkMode::container) << shape;
        EXPECT_EQ(app.shape.ports.at(0).port, 10020) << shape;
        EXPECT_EQ(endpoints(app), "9.0.2.5:9000") << shape;
    }
}

TEST(AppParser, KeepsEachMappingWithItsOwnHostPort) {
    // Entries without a service port shift the index, those without a host port shift task.ports.
    const auto app = appOf(R"({"id": "/a", "networks": [{"mode": "container/bridge"}],
        "container": {"portMappings": [
            {"containerPort": 1, "hostPort": 0},
            {"containerPort": 2, "hostPort": 0, "servicePort": 10002},
            {"containerPort": 3, "hostPort": 0, "servicePort": 10003, "protocol": "udp"},
            {"containerPort": 4, "hostPort": 0, "servicePort": 10004, "protocol": "udp,tcp"}]},
        "tasks": [{"id": "a.1", "host": "10.0.0.1", "ports": [31001, 31002, 31003, 31004]}]})");
    ASSERT_EQ(app.shape.ports.size(), 3U);
    EXPECT_EQ(endpoints(app, 0), "10.0.0.1:31002");
    EXPECT_FALSE(app.shape.ports[1].tcp);
    EXPECT_TRUE(app.shape.ports[2].tcp);
    EXPECT_EQ(endpoints(app, 2), "10.0.0.1:31004");

    const auto own = appOf(R"({"id": "/b", "networks": [{"mode": "container"}],
        "container": {"portMappings": [
            {"containerPort": 8000, "servicePort": 10005},
            {"containerPort": 0, "hostPort": 0, "servicePort": 10006}]},
        "tasks": [{"id": "b.1", "host": "10.0.0.1", "ports": [31009],
                   "ipAddresses": [{"ipAddress": "fd00::1", "protocol": "IPv6"}]}]})");
    EXPECT_EQ(endpoints(own, 0), "fd00::1:8000");
    EXPECT_EQ(endpoints(own, 1), "fd00::1:31009") << "container port 0 means that of the host";
}

TEST(AppParser, KnowsOnlyItsLabels) {
    const auto app = appOf(R"({"id": "/a", "labels": {"HAPROXY_0_VHOST": "a.test", "team": "x"}})");
    EXPECT_EQ(app.shape.labels.size(), 1U);
    EXPECT_FALSE(app.tasksKnown);
}

TEST(AppParser, SumsHealthUp) {
    const auto app = appOf(R"({"id": "/a", "healthChecks": [{"protocol": "MESOS_HTTP",
            "portIndex": 0, "gracePeriodSeconds": 20, "intervalSeconds": 5, "timeoutSeconds": 2,
            "maxConsecutiveFailures": 3, "delaySeconds": 15}, {"protocol": "COMMAND"}],
        "tasks": [
            {"id": "1", "healthCheckResults": [null, {"alive": false}, {"alive": true}]},
            {"id": "2", "healthCheckResults": [{"alive": false}]},
            {"id": "3", "healthCheckResults": [null]},
            {"id": "4", "healthCheckResults": null}]})");
    ASSERT_EQ(app.tasks.size(), 4U);
    EXPECT_EQ(app.tasks[0].alive, true);
    EXPECT_EQ(app.tasks[1].alive, false);
    EXPECT_EQ(app.tasks[2].alive, std::nullopt);
    EXPECT_EQ(app.tasks[3].alive, std::nullopt);
    ASSERT_EQ(app.shape.checks.size(), 2U);
    EXPECT_EQ(app.shape.checks[0].killAfter, 20 + 15 + 3 * 7);
    EXPECT_EQ(app.shape.checks[1].portIndex, std::nullopt);
}

TEST(AppParser, LeavesOutOnlyTheMalformedApp) {
    const auto parsed = parseAppList(R"({"apps": [
        {"id": "/good", "ports": [10000]},
        {"id": "/labels", "labels": {"HAPROXY_0_PORT": 80}},
        {"id": "/ports", "ports": [70000]},
        {"id": "/tasks", "tasks": {"a": 1}},
        {"id": "Bad Id"}, {}, 7, {"id": "/good"},
        {"id": "/also", "ports": []}]})");
    const auto& list = std::get<AppList>(parsed);
    ASSERT_EQ(list.apps.size(), 2U);
    EXPECT_EQ(list.apps[1].id, "/also");
    std::vector<std::string> wrong;
    for (const auto& each : list.malformed) {
        wrong.push_back(each.appId + " " + each.where);
    }
    EXPECT_THAT(wrong, testing::ElementsAre("/labels labels.HAPROXY_0_PORT", "/ports ports[0]",
                                            "/tasks tasks", "Bad Id id", "apps[5] id", "apps[6] ",
                                            "/good id"));
}

TEST(AppParser, RefusesWhatIsNoWholeAnswer) {
    for (const auto& text :
         {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
          std::string(R"({"apps": {}})"), std::string(R"({"apps": [{"id": "/a"})"),
          std::string("<html>502</html>"), std::string(1'000'000, '['),
          std::string(R"({"message": "no leader"})")}) {
        EXPECT_TRUE(std::holds_alternative<std::string>(parseAppList(text))) << text.substr(0, 40);
        EXPECT_TRUE(std::holds_alternative<std::string>(parseOneApp(text))) << text.substr(0, 40);
    }
}

}  // namespace
}  // namespace evergate::controller::marathon
