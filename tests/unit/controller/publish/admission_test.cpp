// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/admission.hpp"

#include <gtest/gtest.h>

#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

TEST(Admission, LetsAGoodConfigurationThrough) {
    model::Config config = makeConfig(3);
    EXPECT_TRUE(admit(config, {}).empty());
    EXPECT_EQ(config.root(model::Lane::config), makeConfig(3).root(model::Lane::config));
}

TEST(Admission, TakesOutABadValueAndWhatNeedsIt) {
    model::Config config = makeConfig(3);
    model::Backend bad;
    bad.hashHeader = "not a token";
    bad.balance = model::BalanceAlgorithm::consistentHash;
    bad.hashOn = model::HashOn::header;
    config.put(backendKey("b1"), model::Value{bad});
    const auto problems = admit(config, makeConfig(3));
    EXPECT_GE(problems.size(), 2U);
    EXPECT_FALSE(config.entries().contains(backendKey("b1")));
    EXPECT_FALSE(config.entries().contains(routeKey("b1")));
    EXPECT_TRUE(config.entries().contains(routeKey("b0")));
    EXPECT_TRUE(config.entries().contains(routeKey("b2")));
    EXPECT_TRUE(model::crossCheck(config).empty());
}

TEST(Admission, TakesOutWhatTheWireCannotCarry) {
    model::Config config = makeConfig(1);
    auto value = std::get<model::Route>(route("/x", "b0"));
    value.origin = "Ingress \xff";
    config.put(routeKey("broken-text"), model::Value{value});
    config.put(routeKey("name with space"), route("/y", "b0"));
    model::Endpoints many;
    for (int i = 0; i < 20'000; ++i) {
        many.endpoints.push_back(
            {"2001:db8:1111:2222:3333:4444:" + std::to_string(1000 + i / 5000) + ":" +
                 std::to_string(1000 + i % 5000),
             8080, 100});
    }
    std::sort(many.endpoints.begin(), many.endpoints.end());
    config.put(endpointsKey("b0"), model::Value{many});
    EXPECT_FALSE(admit(config, {}).empty());
    EXPECT_FALSE(config.entries().contains(routeKey("broken-text")));
    EXPECT_FALSE(config.entries().contains(routeKey("name with space")));
    EXPECT_FALSE(config.entries().contains(endpointsKey("b0")));
    EXPECT_TRUE(config.entries().contains(routeKey("b0")));
}

}  // namespace
}  // namespace evergate::controller
