// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback_settings.hpp"

#include <gtest/gtest.h>

#include <map>

namespace evergate::controller {
namespace {

using namespace std::chrono_literals;

process::Environment with(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) -> const char* {
        const auto it = variables.find(name);
        return it == variables.end() ? nullptr : it->second.c_str();
    };
}

TEST(WritebackSettings, TakesTheNamespaceFromTheNearestWhoKnowsIt) {
    WritebackSettings settings;
    EXPECT_EQ(writebackOptions(settings, "", with({})).lease.nameSpace, "default");
    EXPECT_EQ(writebackOptions(settings, "account", with({})).lease.nameSpace, "account");
    const auto pod = with({{"POD_NAMESPACE", "pod"}});
    EXPECT_EQ(writebackOptions(settings, "account", pod).lease.nameSpace, "pod");
    settings.leaderElectionNamespace = "flag";
    EXPECT_EQ(writebackOptions(settings, "account", pod).lease.nameSpace, "flag");
}

TEST(WritebackSettings, IdentifiesEachStartOfAPod) {
    const auto pod = with({{"POD_NAME", "evergate-x7"}});
    const auto first = writebackOptions({}, "", pod).lease.identity;
    EXPECT_EQ(first.rfind("evergate-x7_", 0), 0U) << first;
    EXPECT_NE(first, writebackOptions({}, "", pod).lease.identity);
}

TEST(WritebackSettings, KeepsTheProportionsOfTheDurations) {
    const auto standard = writebackOptions({}, "", with({})).lease.timing;
    EXPECT_EQ(standard.duration, 15s);
    EXPECT_EQ(standard.renewDeadline, 10s);
    EXPECT_EQ(standard.retryPeriod, 2s);
    WritebackSettings settings;
    settings.leaderElectionDuration = 3s;
    const auto quick = writebackOptions(settings, "", with({})).lease.timing;
    EXPECT_EQ(quick.renewDeadline, 2s);
    EXPECT_EQ(quick.retryPeriod, 400ms);
}

TEST(WritebackSettings, ReadsAddressesAndTheService) {
    WritebackSettings settings;
    EXPECT_TRUE(writebackOptions(settings, "", with({})).addresses.empty());
    EXPECT_FALSE(writebackOptions(settings, "", with({})).publishService);
    settings.publishStatusAddress = {"192.0.2.1", "lb.example"};
    EXPECT_EQ(writebackOptions(settings, "", with({})).addresses,
              (writeback::Addresses{{"192.0.2.1", ""}, {"", "lb.example"}}));
    settings.publishService = "edge/evergate";
    EXPECT_EQ(writebackOptions(settings, "", with({})).publishService,
              (ObjectName{"edge", "evergate"}));
}

TEST(WritebackSettings, RefusesWhatDoesNotGoTogether) {
    WritebackSettings settings;
    EXPECT_EQ(checkWriteback(settings, false), "");
    settings.publishStatusAddress = {"192.0.2.1"};
    EXPECT_EQ(checkWriteback(settings, true), "");
    EXPECT_NE(checkWriteback(settings, false), "");
    settings.publishService = "edge/evergate";
    EXPECT_NE(checkWriteback(settings, true), "");
}

}  // namespace
}  // namespace evergate::controller
