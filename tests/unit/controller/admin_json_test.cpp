// SPDX-License-Identifier: Apache-2.0
#include "controller/admin_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

using nlohmann::json;

TEST(AdminJson, ShowsTheConfigurationByKind) {
    PublishedState state("e");
    state.replace(makeConfig(2), 1);
    const auto all = json::parse(*configJson(state, ""));
    EXPECT_EQ(all["version"], 1);
    EXPECT_EQ(all["entries"].size(), 7U);
    EXPECT_EQ(all["entries"]["route/b0"]["value"]["backend"], "b0");
    EXPECT_EQ(json::parse(*configJson(state, "route"))["entries"].size(), 2U);
    EXPECT_FALSE(configJson(state, "gadget"));
}

TEST(AdminJson, ShowsNoKey) {
    PublishedState state("e");
    auto config = makeConfig(1);
    config.put({model::Kind::certificate, "shop/tls"},
               model::Certificate{{"a.test"}, "CHAIN", "KEY", "Secret shop/tls"});
    state.replace(config, 1);
    const auto text = *configJson(state, "certificate");
    EXPECT_EQ(text.find("KEY"), std::string::npos);
    EXPECT_EQ(json::parse(text)["entries"]["certificate/shop/tls"]["value"]["hosts"],
              json::array({"a.test"}));
}

TEST(AdminJson, ShowsTheSourceAndProblems) {
    SourceStatus status{true, "watching \xff", 3, 4, 5, 6};
    const auto source = json::parse(sourceJson(status, true));
    EXPECT_EQ(source["lists"], 5);
    EXPECT_EQ(source["braking"], true);
    const auto problems = json::parse(problemsJson({{"Ingress a/b", "spec", "bad"}}));
    EXPECT_EQ(problems["problems"][0]["object"], "Ingress a/b");
}

}  // namespace
}  // namespace evergate::controller
