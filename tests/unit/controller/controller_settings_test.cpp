// SPDX-License-Identifier: Apache-2.0
#include "controller/controller_settings.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <vector>

namespace evergate::controller {
namespace {

struct Parsed {
    std::variant<ControllerSettings, int> result;
    std::string err;

    int code() const { return std::holds_alternative<int>(result) ? std::get<int>(result) : -1; }

    const ControllerSettings& settings() const { return std::get<ControllerSettings>(result); }
};

Parsed parse(std::vector<const char*> arguments,
             const std::map<std::string, std::string>& environment = {}) {
    std::ostringstream out;
    std::ostringstream err;
    Parsed parsed{parseSettings(
                      arguments,
                      [&](const char* name) -> const char* {
                          const auto at = environment.find(name);
                          return at == environment.end() ? nullptr : at->second.c_str();
                      },
                      out, err),
                  ""};
    parsed.err = err.str();
    return parsed;
}

TEST(ControllerSettings, HasTheDocumentedDefaults) {
    const Parsed parsed = parse({"--source=kubernetes"});
    ASSERT_EQ(parsed.code(), -1) << parsed.err;
    const ControllerSettings& settings = parsed.settings();
    EXPECT_EQ(settings.source, SourceKind::kubernetes);
    EXPECT_EQ(settings.ingressClass, "evergate");
    EXPECT_EQ(process::formatListenAddress(settings.httpListen), "0.0.0.0:80");
    EXPECT_EQ(process::formatListenAddress(settings.adminListen), "127.0.0.1:9301");
    EXPECT_EQ(rpc::toText(settings.rpcAddress), "unix:/run/evergate/rpc.sock");
}

TEST(ControllerSettings, ReadsFlagsAndEnvironment) {
    const Parsed parsed =
        parse({"--source=directory", "--directory=/m", "--http-listen=127.0.0.1:8080"},
              {{"EVERGATE_RPC_LISTEN", "unix:/tmp/x"}, {"EVERGATE_INGRESS_CLASS", "edge"}});
    ASSERT_EQ(parsed.code(), -1) << parsed.err;
    EXPECT_EQ(parsed.settings().directory, "/m");
    EXPECT_EQ(rpc::toText(parsed.settings().rpcAddress), "unix:/tmp/x");
    EXPECT_EQ(parsed.settings().ingressClass, "edge");
}

TEST(ControllerSettings, ReadsWhatMarathonNeeds) {
    const Parsed parsed =
        parse({"--source=marathon", "--marathon-url=http://a:8080,https://b", "--marathon-group=x"},
              {{"EVERGATE_MARATHON_HEARTBEAT_TIMEOUT", "5s"}});
    ASSERT_EQ(parsed.code(), -1) << parsed.err;
    const auto& marathon = parsed.settings().marathon;
    EXPECT_EQ(marathon.urls, (std::vector<std::string>{"http://a:8080", "https://b"}));
    EXPECT_EQ(marathon.groups, std::vector<std::string>{"x"});
    const auto options = marathonOptions(marathon);
    EXPECT_EQ(options.tuning.heartbeatTimeout, std::chrono::seconds(5));
    EXPECT_EQ(options.tuning.resync, std::chrono::minutes(2));
    EXPECT_EQ(options.tuning.deadlines.head, std::chrono::seconds(20));
}

TEST(ControllerSettings, RefusesHalfAMarathon) {
    for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
             {"--source=marathon", "--marathon-group=x"},
             {"--source=marathon", "--marathon-url=http://a"},
             {"--source=kubernetes", "--marathon-url=http://a"},
             {"--source=marathon", "--marathon-url=http://a", "--marathon-group=x",
              "--marathon-heartbeat-timeout=0s"},
             {"--source=marathon", "--marathon-url=http://a", "--marathon-group=x",
              "--marathon-request-timeout=0s"},
             {"--source=marathon", "--marathon-url=http://a", "--marathon-group=x",
              "--marathon-resync=10ms"}}) {
        EXPECT_EQ(parse(arguments).code(), 2) << arguments.back();
    }
}

TEST(ControllerSettings, RefusesWhatCannotWork) {
    for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
             {},
             {"--source=marathon"},
             {"--source=directory"},
             {"--source=kubernetes", "--directory=/m"},
             {"--source=kubernetes", "--http-listen=0.0.0.0:0"},
             {"--source=marathon", "--marathon-url=http://a:8080", "--marathon-group=x",
              "--default-certificate=a/b", "--https-client-ca=a/c",
              "--https-client-certificates=required"},
             {"--source=kubernetes", "--rpc-listen=http://x"},
             {"--source=kubernetes", "--rpc-listen=tcp://0.0.0.0:9300"},
             {"--source=kubernetes", "--rpc-listen=tcp://0.0.0.0:9300", "--rpc-cert=c"},
             {"--source=kubernetes", "--rpc-cert=c", "--rpc-key=k", "--rpc-ca=a"},
         }) {
        const Parsed parsed = parse(arguments);
        EXPECT_EQ(parsed.code(), 2);
        EXPECT_EQ(std::count(parsed.err.begin(), parsed.err.end(), '\n'), 1) << parsed.err;
    }
}

TEST(ControllerSettings, TakesTcpWithCertificates) {
    const Parsed parsed = parse({"--source=kubernetes", "--rpc-listen=tcp://0.0.0.0:9300",
                                 "--rpc-cert=c", "--rpc-key=k", "--rpc-ca=a"});
    EXPECT_EQ(parsed.code(), -1) << parsed.err;
}

}  // namespace
}  // namespace evergate::controller
