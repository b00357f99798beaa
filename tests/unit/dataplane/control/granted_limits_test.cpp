// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/granted_limits.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace evergate::dataplane {
namespace {

// A made-up /proc and /sys below a temporary directory.
class GrantedLimitsTest : public ::testing::Test {
protected:
    GrantedLimitsTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "limits.XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
    }

    ~GrantedLimitsTest() override { std::filesystem::remove_all(root_); }

    void write(const std::string& path, const std::string& text) {
        const std::filesystem::path file = root_ + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }

    std::string root_;
};

TEST(ParseCpuMax, ReadsQuotaOverPeriod) {
    EXPECT_EQ(parseCpuMax("200000 100000\n"), 2.0);
    EXPECT_EQ(parseCpuMax("150000 100000"), 1.5);
    EXPECT_FALSE(parseCpuMax("max 100000\n"));
    EXPECT_FALSE(parseCpuMax(""));
    EXPECT_FALSE(parseCpuMax("1 0"));
    EXPECT_FALSE(parseCpuMax("-1 100000"));
}

TEST_F(GrantedLimitsTest, WithoutAnyFilesOnlyAffinityLimits) {
    const auto limits = readGrantedLimits(root_, 6, 4'096);
    EXPECT_EQ(limits.workers(), 6U);
    EXPECT_FALSE(limits.memoryBytes);
    EXPECT_EQ(limits.toText(),
              "open_files=4096 cpus=6 memory_bytes=max local_ports=unknown somaxconn=unknown");
}

TEST_F(GrantedLimitsTest, TheSmallestOfTheCgroupAndItsParentsCounts) {
    write("/proc/self/cgroup", "0::/pods/pod1\n");
    write("/sys/fs/cgroup/pods/cpu.max", "250000 100000\n");
    write("/sys/fs/cgroup/pods/pod1/cpu.max", "max 100000\n");
    write("/sys/fs/cgroup/pods/pod1/memory.max", "536870912\n");
    write("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    write("/proc/sys/net/core/somaxconn", "4096\n");
    write("/proc/meminfo", "MemTotal:  2048 kB\nMemFree:  1 kB\n");
    const auto limits = readGrantedLimits(root_, 8, 1'024);
    EXPECT_EQ(limits.cpus, 2.5);
    EXPECT_EQ(limits.workers(), 2U);
    EXPECT_EQ(limits.toText(),
              "open_files=1024 cpus=2.50 memory_bytes=536870912 local_ports=28232 somaxconn=4096");
    EXPECT_EQ(limits.machineMemoryBytes, 2'048U * 1'024);
}

TEST_F(GrantedLimitsTest, AContainerSeesItsOwnCgroupAsTheRoot) {
    write("/proc/self/cgroup", "0::/\n");
    write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
    const auto limits = readGrantedLimits(root_, 8, 1'024);
    EXPECT_EQ(limits.cpus, 0.5);
    EXPECT_EQ(limits.workers(), 1U);
}

TEST_F(GrantedLimitsTest, VersionOneUnlimitedIsUnlimited) {
    write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    const auto limits = readGrantedLimits(root_, 4, 1'024);
    EXPECT_EQ(limits.cpus, 4.0);
    EXPECT_FALSE(limits.memoryBytes);
}

TEST_F(GrantedLimitsTest, SumsTcpSocketsOfBothFamilies) {
    write("/proc/net/sockstat",
          "sockets: used 300\nTCP: inuse 5 orphan 1 tw 3 alloc 9 mem 2\nUDP: inuse 8 mem 1\n");
    write("/proc/net/sockstat6", "TCP6: inuse 4\nUDP6: inuse 2\n");
    const std::map<std::string, std::uint64_t> expected{
        {"inuse", 9}, {"orphan", 1}, {"tw", 3}, {"alloc", 9}};
    EXPECT_EQ(readTcpSockets(root_), expected);
}

TEST(AffinityCpus, AreAtLeastOne) {
    EXPECT_GE(affinityCpus(), 1U);
}

}  // namespace
}  // namespace evergate::dataplane
