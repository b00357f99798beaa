// SPDX-License-Identifier: Apache-2.0
#include "common/process/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

#include "common/process/prometheus_text.hpp"

namespace evergate::process {
namespace {

enum class Row { cpu, openDescriptors, maxDescriptors, resident, virtualMemory, threads, start };

constexpr std::array<MetricDescription, 7> kTable{{
    {"process_cpu_seconds_total", MetricKind::counter, "",
     "User and system CPU time spent in seconds."},
    {"process_open_fds", MetricKind::gauge, "", "Number of open file descriptors."},
    {"process_max_fds", MetricKind::gauge, "", "Maximum number of open file descriptors."},
    {"process_resident_memory_bytes", MetricKind::gauge, "", "Resident memory size in bytes."},
    {"process_virtual_memory_bytes", MetricKind::gauge, "", "Virtual memory size in bytes."},
    {"process_threads", MetricKind::gauge, "", "Number of threads."},
    {"process_start_time_seconds", MetricKind::gauge, "",
     "Start time of the process since the Unix epoch in seconds."},
}};

std::string contentOf(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Fields of /proc/self/stat by their number in proc(5), which starts at 1.
class Stat {
public:
    Stat() {
        const std::string text = contentOf("/proc/self/stat");
        // Field 2 is the program's name in parentheses and may hold anything, ")" too.
        const std::size_t end = text.rfind(')');
        if (end == std::string::npos) {
            return;
        }
        std::istringstream rest(text.substr(end + 1));
        fields_.assign(std::istream_iterator<std::string>(rest), {});
    }

    std::optional<double> field(std::size_t number) const {
        const std::size_t index = number - 3;
        if (index >= fields_.size()) {
            return std::nullopt;
        }
        return std::stod(fields_[index]);
    }

private:
    std::vector<std::string> fields_;
};

// Seconds since the epoch at which the machine booted.
std::optional<double> bootTime() {
    std::istringstream lines(contentOf("/proc/stat"));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("btime ")) {
            return std::stod(line.substr(6));
        }
    }
    return std::nullopt;
}

std::optional<double> openDescriptors() {
    std::error_code error;
    const std::filesystem::directory_iterator folder("/proc/self/fd", error);
    if (error) {
        return std::nullopt;
    }
    // One of them is the iterator's own.
    return static_cast<double>(std::distance(begin(folder), end(folder)) - 1);
}

std::optional<double> maxDescriptors() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return std::nullopt;
    }
    return static_cast<double>(limit.rlim_cur);
}

std::optional<double> sum(std::optional<double> a, std::optional<double> b) {
    return a && b ? std::optional(*a + *b) : std::nullopt;
}

std::optional<double> scaled(std::optional<double> value, double factor) {
    return value ? std::optional(*value * factor) : std::nullopt;
}

}  // namespace

std::span<const MetricDescription> processMetricTable() noexcept {
    return kTable;
}

std::string processMetrics() {
    const Stat stat;
    const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    PrometheusText text(kTable);
    const auto add = [&](Row row, std::optional<double> value) {
        if (value) {
            text.add(row, *value);
        }
    };
    add(Row::cpu, scaled(sum(stat.field(14), stat.field(15)), tick));
    add(Row::openDescriptors, openDescriptors());
    add(Row::maxDescriptors, maxDescriptors());
    add(Row::resident, scaled(stat.field(24), page));
    add(Row::virtualMemory, stat.field(23));
    add(Row::threads, stat.field(20));
    add(Row::start, sum(bootTime(), scaled(stat.field(22), tick)));
    return text.take();
}

}  // namespace evergate::process
