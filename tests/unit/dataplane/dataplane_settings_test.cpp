// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dataplane_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace evergate::dataplane {
namespace {

using ::testing::HasSubstr;

class DataplaneSettingsTest : public ::testing::Test {
protected:
    std::variant<DataplaneSettings, int> parse(std::vector<const char*> arguments) {
        out_.str("");
        err_.str("");
        return parseSettings(
            arguments,
            [this](const char* name) -> const char* {
                const auto it = environment_.find(name);
                return it == environment_.end() ? nullptr : it->second.c_str();
            },
            "host-7", out_, err_);
    }

    // Ends with code 2 and exactly one line that has `part`.
    void expectRefused(std::vector<const char*> arguments, const std::string& part) {
        const auto result = parse(std::move(arguments));
        ASSERT_TRUE(std::holds_alternative<int>(result)) << part;
        EXPECT_EQ(std::get<int>(result), 2);
        EXPECT_THAT(err_.str(), HasSubstr(part));
        EXPECT_EQ(err_.str().find('\n'), err_.str().size() - 1);
    }

    std::map<std::string, std::string> environment_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(DataplaneSettingsTest, NeedsNothing) {
    const auto settings = std::get<DataplaneSettings>(parse({}));
    EXPECT_EQ(settings.nodeId, "host-7");
    EXPECT_EQ(settings.drainTimeout, std::chrono::seconds(30));
    EXPECT_EQ(settings.adminListen.port, 9302);
    EXPECT_EQ(settings.accessLog, http::AccessLogFormat::off);
    EXPECT_TRUE(std::holds_alternative<rpc::UnixAddress>(settings.controllerAddress));
}

TEST_F(DataplaneSettingsTest, FlagsBeatTheEnvironment) {
    environment_ = {{"EVERGATE_WORKERS", "3"}, {"EVERGATE_ACCESS_LOG", "json"}};
    const auto settings = std::get<DataplaneSettings>(parse({"--workers=2", "--node-id", "a"}));
    EXPECT_EQ(settings.workers, 2U);
    EXPECT_EQ(settings.accessLog, http::AccessLogFormat::json);
    EXPECT_EQ(settings.nodeId, "a");
}

TEST_F(DataplaneSettingsTest, RefusesWithOneClearLine) {
    expectRefused({"--worker=2"}, "unknown flag \"--worker\"");
    expectRefused({"--workers=two"}, "--workers: \"two\"");
    expectRefused({"--workers=5000"}, "at most 1024");
    expectRefused({"--controller=http://x"}, "--controller");
    expectRefused({"--controller=tcp://c:1"}, "rpc-cert");
    expectRefused({"--drain-timeout=30"}, "--drain-timeout");
    expectRefused({"--access-log=yes"}, "off|text|json");
    expectRefused({"--node-id=a b"}, "--node-id");
    expectRefused({"--admin-listen=localhost:1"}, "--admin-listen");
}

TEST_F(DataplaneSettingsTest, TakesLimits) {
    const auto settings = std::get<DataplaneSettings>(
        parse({"--max-connections=1000", "--max-buffer-memory=64Mi",
               "--source-address=127.0.0.1,::1", "--overload-lag=250ms"}));
    EXPECT_EQ(settings.limits.maxConnections, 1'000U);
    EXPECT_EQ(settings.limits.bufferBytes, 64U << 20);
    EXPECT_EQ(settings.limits.overloadLag, std::chrono::milliseconds(250));
    EXPECT_EQ(settings.limits.sourceAddresses, (std::vector<std::string>{"127.0.0.1", "::1"}));
    EXPECT_EQ(settings.sources.size(), 2U);
    EXPECT_EQ(std::get<DataplaneSettings>(parse({"--overload-lag=0s"})).limits.overloadLag.count(),
              0);
}

TEST_F(DataplaneSettingsTest, TakesWhatHoldsForHandshakes) {
    const auto usual = std::get<DataplaneSettings>(parse({}));
    EXPECT_EQ(usual.ocsp, ocsp::Scope::publicOnly);
    EXPECT_EQ(usual.handshakeRate, 0U);
    EXPECT_EQ(usual.handshakeRatePerClient, 0U);
    const auto settings = std::get<DataplaneSettings>(
        parse({"--ocsp=any", "--tls-handshake-rate=2000", "--tls-handshake-rate-per-client=20"}));
    EXPECT_EQ(settings.ocsp, ocsp::Scope::any);
    EXPECT_EQ(settings.handshakeRate, 2'000U);
    EXPECT_EQ(settings.handshakeRatePerClient, 20U);
    EXPECT_EQ(std::get<DataplaneSettings>(parse({"--ocsp=off"})).ocsp, ocsp::Scope::off);
    expectRefused({"--ocsp=on"}, "--ocsp");
    expectRefused({"--tls-handshake-rate=-1"}, "--tls-handshake-rate");
}

TEST_F(DataplaneSettingsTest, LimitsAreComputedUnlessGiven) {
    const auto settings = std::get<DataplaneSettings>(parse({}));
    EXPECT_EQ(settings.limits.maxConnections, 0U);
    EXPECT_EQ(settings.limits.bufferBytes, 0U);
    EXPECT_EQ(settings.limits.overloadLag, std::chrono::milliseconds(500));
    EXPECT_TRUE(settings.sources.empty());
}

TEST_F(DataplaneSettingsTest, RefusesLimitsThatMakeNoSense) {
    expectRefused({"--max-connections=many"}, "--max-connections");
    expectRefused({"--max-buffer-memory=1Mi"}, "at least 4Mi");
    expectRefused({"--max-buffer-memory=64MB"}, "Ki, Mi or Gi");
    expectRefused({"--source-address=here"}, "IP addresses of this machine");
    expectRefused({"--source-address=0.0.0.0"}, "IP addresses of this machine");
    expectRefused({"--overload-lag=5"}, "--overload-lag");
}

TEST_F(DataplaneSettingsTest, HelpNamesEveryFlag) {
    EXPECT_EQ(std::get<int>(parse({"--help"})), 0);
    for (const char* flag : {"--controller",
                             "--rpc-cert",
                             "--rpc-key",
                             "--rpc-ca",
                             "--admin-listen",
                             "--state-dir",
                             "--workers",
                             "--drain-timeout",
                             "--access-log",
                             "--access-log-file",
                             "--log-level",
                             "--log-format",
                             "--node-id",
                             "--endpoint-metrics-limit",
                             "--max-connections",
                             "--max-buffer-memory",
                             "--source-address",
                             "--overload-lag",
                             "--ocsp",
                             "--tls-handshake-rate",
                             "--tls-handshake-rate-per-client"})
        EXPECT_THAT(out_.str(), HasSubstr(flag));
}

}  // namespace
}  // namespace evergate::dataplane
