// SPDX-License-Identifier: Apache-2.0
#include "controller/traffic_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>

#include "common/model/validation.hpp"

namespace evergate::controller {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Parsed {
    TrafficSettings settings;
    std::optional<int> code;
    std::string err;
};

Parsed parse(const std::vector<const char*>& arguments) {
    Parsed parsed;
    process::SettingsTable table("program", "1", "does things");
    addTrafficRows(table, parsed.settings);
    std::ostringstream out;
    std::ostringstream err;
    parsed.code = table.parse(
        arguments, [](const char*) -> const char* { return nullptr; }, out, err);
    parsed.err = err.str();
    return parsed;
}

TEST(TrafficSettings, AreTheModelsDefaults) {
    const auto parsed = parse({});
    ASSERT_FALSE(parsed.code) << parsed.err;
    EXPECT_EQ(parsed.settings.model, model::Settings{});
    TranslateOptions options;
    applyTraffic(parsed.settings, options);
    EXPECT_EQ(options.settings, model::Settings{});
    EXPECT_THAT(options.proxyProtocolFrom, IsEmpty());
    EXPECT_EQ(options.listenerMaxConnections, 0U);
}

TEST(TrafficSettings, ReadWhoTheClientIs) {
    const auto parsed =
        parse({"--trusted-proxies=10.0.0.0/8,2001:db8::1", "--client-address-header=forwarded",
               "--proxy-protocol-from=192.0.2.0/24"});
    ASSERT_FALSE(parsed.code) << parsed.err;
    EXPECT_THAT(parsed.settings.model.trustedProxies, ElementsAre("10.0.0.0/8", "2001:db8::1"));
    EXPECT_EQ(parsed.settings.model.clientAddressHeader, model::ClientAddressHeader::forwarded);
    TranslateOptions options;
    applyTraffic(parsed.settings, options);
    EXPECT_THAT(options.proxyProtocolFrom, ElementsAre("192.0.2.0/24"));
}

TEST(TrafficSettings, ReadLimitsAndHeaders) {
    const auto parsed = parse({"--max-connections-per-client=100", "--listener-max-connections=9",
                               "--min-body-rate=0", "--max-head-bytes=65536", "--max-headers=64",
                               "--max-interim-responses=1", "--header-underscores=refuse",
                               "--via=edge", "--server-header=Edge 1", "--tls-policy=modern",
                               "--http2=false", "--http2-max-streams=7"});
    ASSERT_FALSE(parsed.code) << parsed.err;
    const model::Settings& model = parsed.settings.model;
    EXPECT_EQ(model.maxConnectionsPerClient, 100U);
    EXPECT_EQ(model.minimumBodyRate, 0U);
    EXPECT_EQ(model.maxHeadBytes, 65'536U);
    EXPECT_EQ(model.maxHeaders, 64U);
    EXPECT_EQ(model.maxInterimResponses, 1U);
    EXPECT_EQ(model.headerUnderscores, model::HeaderUnderscores::refuse);
    EXPECT_EQ(model.via, "edge");
    EXPECT_EQ(model.tlsPolicy, model::TlsPolicy::modern);
    EXPECT_EQ(model.serverName, "Edge 1");
    EXPECT_EQ(model.http2, model::ClientHttp2::off);
    EXPECT_EQ(model.http2MaxStreams, 7U);
    TranslateOptions options;
    applyTraffic(parsed.settings, options);
    EXPECT_EQ(options.listenerMaxConnections, 9U);
}

TEST(TrafficSettings, ReadWhetherClientsMaySpeakHttp2) {
    using model::ClientHttp2;
    const std::pair<const char*, ClientHttp2> cases[] = {{"--http2", ClientHttp2::on},
                                                         {"--http2=true", ClientHttp2::on},
                                                         {"--http2=false", ClientHttp2::off},
                                                         {"--http2=only", ClientHttp2::only}};
    for (const auto& [flag, expected] : cases) {
        const auto parsed = parse({"--http2=false", flag});
        EXPECT_FALSE(parsed.code) << flag << ": " << parsed.err;
        EXPECT_EQ(parsed.settings.model.http2, expected) << flag;
    }
    for (const char* flag : {"--http2=", "--http2=Only", "--http2=h2", "--http2=1"}) {
        const auto parsed = parse({flag});
        EXPECT_EQ(parsed.code, 2) << flag;
        EXPECT_THAT(parsed.err, AllOf(HasSubstr("--http2"), HasSubstr("true|false|only"))) << flag;
    }
}

TEST(TrafficSettings, ReadEveryDeadline) {
    const auto parsed = parse({"--timeout-client-head=1s", "--timeout-client-keep-alive=2s",
                               "--timeout-client-body=3s", "--timeout-client-write=4s",
                               "--timeout-client-handshake=5s", "--timeout-tunnel=6s",
                               "--timeout-half-close=7s", "--timeout-upstream-idle=8s"});
    ASSERT_FALSE(parsed.code) << parsed.err;
    const model::Settings& model = parsed.settings.model;
    EXPECT_EQ(model.headTimeout, 1s);
    EXPECT_EQ(model.keepAliveTimeout, 2s);
    EXPECT_EQ(model.bodyTimeout, 3s);
    EXPECT_EQ(model.writeTimeout, 4s);
    EXPECT_EQ(model.handshakeTimeout, 5s);
    EXPECT_EQ(model.tunnelTimeout, 6s);
    EXPECT_EQ(model.halfCloseTimeout, 7s);
    EXPECT_EQ(model.upstreamIdleTimeout, 8s);
    EXPECT_THAT(model::validate({model::Kind::settings, "global"}, model), IsEmpty());
}

TEST(TrafficSettings, RefuseWhatTheDataPlaneWouldRefuse) {
    for (const char* flag :
         {"--trusted-proxies=proxy.example", "--trusted-proxies=10.0.0.0/33",
          "--proxy-protocol-from=*", "--client-address-header=x-real-ip", "--min-body-rate=fast",
          "--max-head-bytes=65537", "--max-head-bytes=10", "--max-headers=7",
          "--max-interim-responses=101", "--header-underscores=drop", "--via=two words",
          "--tls-policy=new", "--http2=maybe", "--http2-max-streams=0", "--server-header=a\nb",
          "--timeout-client-head=0s", "--timeout-tunnel=25h", "--timeout-upstream-idle=60",
          "--max-connections-per-client=-1"}) {
        const auto parsed = parse({flag});
        EXPECT_EQ(parsed.code, 2) << flag;
        EXPECT_THAT(parsed.err, HasSubstr("--")) << flag;
    }
}

}  // namespace
}  // namespace evergate::controller
