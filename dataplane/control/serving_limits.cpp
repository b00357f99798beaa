// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/serving_limits.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace evergate::dataplane {
namespace {

// Of one process: sockets of the admin server and to the controller, logs, state.
constexpr std::uint64_t kOwnDescriptors = 64;
// Of one worker: its loop, a few listeners with their reserves.
constexpr std::uint64_t kWorkerDescriptors = 32;
constexpr std::uint64_t kMostConnections = 4'000'000;
constexpr std::uint64_t kMebibyte = 1024 * 1024;
constexpr std::uint64_t kLeastBuffers = 16 * kMebibyte;
constexpr std::uint64_t kWorkerBuffers = 2 * kMebibyte;
constexpr std::uint64_t kUnknownMemory = 1024 * kMebibyte;
constexpr std::uint32_t kAcceptQueue = 4096;  // what listeners ask for
// What the kernel keeps for a quiet TCP connection with something under way, about.
constexpr std::uint64_t kSocketBytes = 8 * 1024;

std::uint32_t computeConnections(const GrantedLimits& granted, unsigned workers) {
    const std::uint64_t own =
        std::min(granted.openFiles / 4, kOwnDescriptors + kWorkerDescriptors * workers);
    const std::uint64_t pairs = (granted.openFiles - own) / 2;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(pairs, 1, kMostConnections));
}

std::uint64_t computeBuffers(const GrantedLimits& granted, unsigned workers) {
    std::uint64_t share = kUnknownMemory;
    if (granted.memoryBytes) {
        share = *granted.memoryBytes / 2;
    } else if (granted.machineMemoryBytes) {
        share = *granted.machineMemoryBytes / 4;
    }
    return std::max(share, kLeastBuffers + kWorkerBuffers * workers);
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts)
        text += (text.empty() ? "" : ",") + part;
    return text;
}

}  // namespace

std::string ServingLimits::toText() const {
    return "max_connections=" + std::to_string(maxConnections) +
           " buffer_bytes=" + std::to_string(bufferBytes) + " overload_lag=" +
           (overloadLag.count() == 0 ? "off" : std::to_string(overloadLag.count()) + "ms") +
           " source_addresses=" + (sourceAddresses.empty() ? "any" : joined(sourceAddresses));
}

ServingLimits servingLimits(const GrantedLimits& granted, unsigned workers,
                            const AskedLimits& asked) {
    ServingLimits limits;
    limits.maxConnections =
        asked.maxConnections != 0 ? asked.maxConnections : computeConnections(granted, workers);
    limits.bufferBytes =
        asked.bufferBytes != 0 ? asked.bufferBytes : computeBuffers(granted, workers);
    limits.overloadLag = asked.overloadLag;
    limits.sourceAddresses = asked.sourceAddresses;
    return limits;
}

std::vector<std::string> limitWarnings(const GrantedLimits& granted, const ServingLimits& limits,
                                       const AskedLimits& asked) {
    std::vector<std::string> warnings;
    const std::string connections = std::to_string(limits.maxConnections) + " connections";
    if (granted.somaxconn != 0 && granted.somaxconn < kAcceptQueue) {
        warnings.push_back("net.core.somaxconn=" + std::to_string(granted.somaxconn) +
                           " cuts the accept queues, which are " + std::to_string(kAcceptQueue) +
                           " long otherwise");
    }
    if (granted.memoryBytes && limits.bufferBytes > *granted.memoryBytes) {
        warnings.push_back("--max-buffer-memory is more than the " +
                           std::to_string(*granted.memoryBytes) + " bytes the cgroup grants");
    }
    if (asked.maxConnections == 0)
        return warnings;
    const std::uint64_t sockets = 2 * std::uint64_t{limits.maxConnections};
    if (sockets > granted.openFiles) {
        warnings.push_back(connections + " need " + std::to_string(sockets) +
                           " descriptors, RLIMIT_NOFILE grants " +
                           std::to_string(granted.openFiles));
    }
    const std::uint64_t ports =
        granted.localPorts * std::max<std::uint64_t>(1, limits.sourceAddresses.size());
    if (ports != 0 && limits.maxConnections > ports) {
        warnings.push_back(connections + ", but net.ipv4.ip_local_port_range has " +
                           std::to_string(ports) +
                           " ports for each endpoint: add --source-address or endpoints");
    }
    if (granted.socketMemoryBytes && sockets * kSocketBytes > *granted.socketMemoryBytes) {
        warnings.push_back(connections + " may need " + std::to_string(sockets * kSocketBytes) +
                           " bytes of sockets, net.ipv4.tcp_mem grants " +
                           std::to_string(*granted.socketMemoryBytes));
    }
    return warnings;
}

bool parseByteSize(std::string_view text, std::uint64_t& bytes) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    const unsigned shift = unit == "Ki" ? 10 : unit == "Mi" ? 20 : unit == "Gi" ? 30 : 0;
    if (error != std::errc() || (shift == 0 && !unit.empty()) ||
        number > std::numeric_limits<std::uint64_t>::max() >> shift)
        return false;
    bytes = number << shift;
    return true;
}

}  // namespace evergate::dataplane
