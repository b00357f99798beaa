// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/granted_limits.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

namespace evergate::dataplane {
namespace {

std::string readText(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    if (file)
        text << file.rdbuf();
    return text.str();
}

std::optional<std::uint64_t> parseNumber(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::vector<std::string> words(std::string_view text) {
    std::istringstream stream{std::string(text)};
    std::vector<std::string> result;
    for (std::string word; stream >> word;)
        result.push_back(word);
    return result;
}

std::optional<std::uint64_t> firstNumber(const std::string& path) {
    const auto parts = words(readText(path));
    return parts.empty() ? std::nullopt : parseNumber(parts[0]);
}

template <typename T>
void lowerTo(std::optional<T>& least, std::optional<T> candidate) {
    if (candidate && (!least || *candidate < *least))
        least = candidate;
}

// Our cgroup and its parents, innermost first, as directories; a container usually sees only the
// root.
std::vector<std::string> cgroupDirectories(const std::string& root) {
    std::string path;
    std::istringstream lines(readText(root + "/proc/self/cgroup"));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("0::"))
            path = line.substr(3);
    }
    if (path.find("..") != std::string::npos)
        path.clear();
    std::vector<std::string> directories;
    while (path.size() > 1) {
        directories.push_back(root + "/sys/fs/cgroup" + path);
        path.erase(path.rfind('/'));
    }
    directories.push_back(root + "/sys/fs/cgroup");
    return directories;
}

std::optional<double> cgroupCpus(const std::string& root) {
    std::optional<double> least;
    for (const auto& directory : cgroupDirectories(root))
        lowerTo(least, parseCpuMax(readText(directory + "/cpu.max")));
    const auto quota = firstNumber(root + "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    const auto period = firstNumber(root + "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (quota && period && *quota > 0 && *period > 0)
        lowerTo<double>(least, static_cast<double>(*quota) / static_cast<double>(*period));
    return least;
}

std::optional<std::uint64_t> cgroupMemory(const std::string& root) {
    std::optional<std::uint64_t> least;
    for (const auto& directory : cgroupDirectories(root))
        lowerTo(least, firstNumber(directory + "/memory.max"));
    lowerTo(least, firstNumber(root + "/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    // Version 1 writes "unlimited" as a number near 2^63.
    if (least && *least >= (std::uint64_t{1} << 62))
        least.reset();
    return least;
}

// The kernel counts the memory of sockets in pages.
std::optional<std::uint64_t> inBytes(std::optional<std::uint64_t> pages) {
    if (!pages)
        return std::nullopt;
    return *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// "MemTotal:        8024276 kB"
std::optional<std::uint64_t> machineMemory(const std::string& root) {
    std::istringstream lines(readText(root + "/proc/meminfo"));
    for (std::string line; std::getline(lines, line);) {
        const auto parts = words(line);
        if (parts.size() < 2 || parts[0] != "MemTotal:")
            continue;
        if (const auto kibibytes = parseNumber(parts[1]))
            return *kibibytes * 1'024;
    }
    return std::nullopt;
}

std::string decimal(double number) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, number, std::chars_format::fixed,
                                   number == std::floor(number) ? 0 : 2)
                         .ptr;
    return std::string(text, end);
}

}  // namespace

unsigned GrantedLimits::workers() const noexcept {
    return std::max(1U, static_cast<unsigned>(cpus));
}

std::string GrantedLimits::toText() const {
    return "open_files=" + std::to_string(openFiles) + " cpus=" + decimal(cpus) +
           " memory_bytes=" + (memoryBytes ? std::to_string(*memoryBytes) : "max") +
           " local_ports=" + (localPorts == 0 ? "unknown" : std::to_string(localPorts)) +
           " somaxconn=" + (somaxconn == 0 ? "unknown" : std::to_string(somaxconn));
}

GrantedLimits readGrantedLimits(const std::string& root, unsigned affinityCpus,
                                std::uint64_t openFiles) {
    GrantedLimits limits;
    limits.openFiles = openFiles;
    limits.cpus = std::max(1U, affinityCpus);
    if (const auto quota = cgroupCpus(root))
        limits.cpus = std::min(limits.cpus, *quota);
    limits.memoryBytes = cgroupMemory(root);
    const auto range = words(readText(root + "/proc/sys/net/ipv4/ip_local_port_range"));
    if (range.size() == 2) {
        const auto low = parseNumber(range[0]);
        const auto high = parseNumber(range[1]);
        if (low && high && *low <= *high && *high <= 65'535)
            limits.localPorts = static_cast<std::uint32_t>(*high - *low + 1);
    }
    const auto pages = words(readText(root + "/proc/sys/net/ipv4/tcp_mem"));
    if (pages.size() == 3)
        limits.socketMemoryBytes = inBytes(parseNumber(pages[2]));
    limits.machineMemoryBytes = machineMemory(root);
    limits.somaxconn = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        firstNumber(root + "/proc/sys/net/core/somaxconn").value_or(0), UINT32_MAX));
    return limits;
}

std::optional<std::uint64_t> readSocketMemory(const std::string& root) {
    std::istringstream lines(readText(root + "/proc/net/sockstat"));
    for (std::string line; std::getline(lines, line);) {
        const auto parts = words(line);
        for (std::size_t i = 1; i + 1 < parts.size() && parts[0] == "TCP:"; i += 2) {
            if (parts[i] == "mem")
                return inBytes(parseNumber(parts[i + 1]));
        }
    }
    return std::nullopt;
}

unsigned affinityCpus() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

std::optional<double> parseCpuMax(std::string_view text) {
    const auto parts = words(text);
    if (parts.size() != 2)
        return std::nullopt;
    const auto quota = parseNumber(parts[0]);
    const auto period = parseNumber(parts[1]);
    if (!quota || !period || *quota == 0 || *period == 0)
        return std::nullopt;
    return static_cast<double>(*quota) / static_cast<double>(*period);
}

void addTcpSockets(std::string_view sockstat, std::map<std::string, std::uint64_t>& counts) {
    std::istringstream lines{std::string(sockstat)};
    for (std::string line; std::getline(lines, line);) {
        const auto parts = words(line);
        if (parts.empty() || (parts[0] != "TCP:" && parts[0] != "TCP6:"))
            continue;
        for (std::size_t i = 1; i + 1 < parts.size(); i += 2) {
            // "mem" counts pages, not sockets.
            if (const auto number = parseNumber(parts[i + 1]); number && parts[i] != "mem")
                counts[parts[i]] += *number;
        }
    }
}

std::map<std::string, std::uint64_t> readTcpSockets(const std::string& root) {
    std::map<std::string, std::uint64_t> counts;
    addTcpSockets(readText(root + "/proc/net/sockstat"), counts);
    addTcpSockets(readText(root + "/proc/net/sockstat6"), counts);
    return counts;
}

}  // namespace evergate::dataplane
