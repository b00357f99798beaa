// SPDX-License-Identifier: Apache-2.0
// What the machine grants this process: CPUs, memory, descriptors, local ports; and the sockets
// open now.
//
// Plain reads of /proc and /sys/fs/cgroup below `root` ("" in the program, a made-up tree in
// tests). Anything missing or malformed means "not limited": a strange kernel must not keep us from
// starting.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::dataplane {

struct GrantedLimits {
    std::uint64_t openFiles = 0;
    double cpus = 1.0;                               // affinity and cgroup quota; may be a fraction
    std::optional<std::uint64_t> memoryBytes;        // none: unlimited
    std::uint32_t localPorts = 0;                    // 0: unknown
    std::optional<std::uint64_t> socketMemoryBytes;  // of all TCP sockets of the machine
    std::optional<std::uint64_t> machineMemoryBytes;  // all there is
    std::uint32_t somaxconn = 0;                      // longest accept queue; 0: unknown

    // Worker threads that fit: at least one, never more than whole CPUs.
    unsigned workers() const noexcept;
    // "open_files=1048576 cpus=2 memory_bytes=max local_ports=28232 somaxconn=4096"
    std::string toText() const;
};

// `affinityCpus`: what sched_getaffinity grants; `openFiles`: RLIMIT_NOFILE as raised.
GrantedLimits readGrantedLimits(const std::string& root, unsigned affinityCpus,
                                std::uint64_t openFiles);
unsigned affinityCpus() noexcept;

// "200000 100000" (cpu.max) -> 2.0; "max ..." or malformed -> none.
std::optional<double> parseCpuMax(std::string_view text);

// What TCP sockets of the machine hold now, from /proc/net/sockstat.
std::optional<std::uint64_t> readSocketMemory(const std::string& root);

// The TCP line(s) of /proc/net/sockstat and sockstat6: {"inuse": 5, "orphan": 0, "tw": 3, "alloc":
// 7}.
std::map<std::string, std::uint64_t> readTcpSockets(const std::string& root);
void addTcpSockets(std::string_view sockstat, std::map<std::string, std::uint64_t>& counts);

}  // namespace evergate::dataplane
