// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/serving_limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace evergate::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kMi = 1024 * 1024;

GrantedLimits granted() {
    GrantedLimits limits;
    limits.openFiles = 65'536;
    limits.localPorts = 28'232;
    limits.somaxconn = 4'096;
    limits.socketMemoryBytes = 4'096 * kMi;
    return limits;
}

TEST(ServingLimits, LeaveDescriptorsForEverythingElse) {
    const auto limits = servingLimits(granted(), 2, {});
    EXPECT_EQ(limits.maxConnections, (65'536u - 64 - 2 * 32) / 2);
    GrantedLimits few = granted();
    few.openFiles = 256;
    EXPECT_EQ(servingLimits(few, 16, {}).maxConnections, (256u - 64) / 2);
    few.openFiles = 0;
    EXPECT_EQ(servingLimits(few, 1, {}).maxConnections, 1u);
    few.openFiles = std::uint64_t{1} << 40;
    EXPECT_EQ(servingLimits(few, 1, {}).maxConnections, 4'000'000u);
}

TEST(ServingLimits, BuffersGetHalfOfTheCgroupElseAQuarterOfTheMachine) {
    GrantedLimits machine = granted();
    machine.machineMemoryBytes = 8'192 * kMi;
    EXPECT_EQ(servingLimits(machine, 2, {}).bufferBytes, 2'048 * kMi);
    machine.memoryBytes = 512 * kMi;
    EXPECT_EQ(servingLimits(machine, 2, {}).bufferBytes, 256 * kMi);
    machine.memoryBytes = 8 * kMi;  // too little to serve with
    EXPECT_EQ(servingLimits(machine, 2, {}).bufferBytes, 20 * kMi);
}

TEST(ServingLimits, WhatIsAskedForIsTaken) {
    const AskedLimits asked{7, 5 * kMi, std::chrono::milliseconds(250), {"10.0.0.1", "10.0.0.2"}};
    const auto limits = servingLimits(granted(), 2, asked);
    EXPECT_EQ(limits.toText(),
              "max_connections=7 buffer_bytes=5242880 overload_lag=250ms "
              "source_addresses=10.0.0.1,10.0.0.2");
    EXPECT_THAT(ServingLimits().toText(), HasSubstr("overload_lag=off source_addresses=any"));
}

TEST(LimitWarnings, AreAboutWhatWasAskedFor) {
    AskedLimits asked;
    EXPECT_THAT(limitWarnings(granted(), servingLimits(granted(), 2, asked), asked), IsEmpty());
    asked.maxConnections = 1'000'000;
    EXPECT_THAT(limitWarnings(granted(), servingLimits(granted(), 2, asked), asked),
                ElementsAre(HasSubstr("RLIMIT_NOFILE grants 65536"),
                            HasSubstr("ip_local_port_range"), HasSubstr("tcp_mem")));
    asked.maxConnections = 30'000;
    asked.sourceAddresses = {"10.0.0.1", "10.0.0.2"};
    EXPECT_THAT(limitWarnings(granted(), servingLimits(granted(), 2, asked), asked), IsEmpty());
}

TEST(LimitWarnings, ShortAcceptQueuesAndTooMuchMemoryAlwaysMatter) {
    GrantedLimits machine = granted();
    machine.somaxconn = 128;
    machine.memoryBytes = 64 * kMi;
    const AskedLimits asked{.bufferBytes = 128 * kMi};
    EXPECT_THAT(limitWarnings(machine, servingLimits(machine, 2, asked), asked),
                ElementsAre(HasSubstr("somaxconn=128"), HasSubstr("--max-buffer-memory")));
}

TEST(ParseByteSize, KnowsBinaryUnits) {
    std::uint64_t bytes = 1;
    EXPECT_TRUE(parseByteSize("0", bytes));
    EXPECT_EQ(bytes, 0u);
    EXPECT_TRUE(parseByteSize("256Mi", bytes));
    EXPECT_EQ(bytes, 256 * kMi);
    EXPECT_TRUE(parseByteSize("3Ki", bytes));
    EXPECT_EQ(bytes, 3'072u);
    EXPECT_TRUE(parseByteSize("2Gi", bytes));
    EXPECT_EQ(bytes, 2'048 * kMi);
    for (const char* const wrong : {"", "Mi", "1M", "1 Mi", "-1", "1.5Gi", "99999999999Gi"})
        EXPECT_FALSE(parseByteSize(wrong, bytes)) << wrong;
}

}  // namespace
}  // namespace evergate::dataplane
