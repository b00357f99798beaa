// SPDX-License-Identifier: Apache-2.0
#include "common/process/process_collector.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

namespace evergate::process {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

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

class Families {
public:
    void add(std::string name, std::string help, MetricType type, std::optional<double> value) {
        if (!value) {
            return;
        }
        prometheus::ClientMetric metric;
        (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
        families_.push_back({std::move(name), std::move(help), type, {std::move(metric)}});
    }

    std::vector<MetricFamily> take() && { return std::move(families_); }

private:
    std::vector<MetricFamily> families_;
};

}  // namespace

std::vector<MetricFamily> ProcessCollector::Collect() const {
    const Stat stat;
    const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    Families families;
    families.add("process_cpu_seconds_total", "User and system CPU time spent in seconds.",
                 MetricType::Counter, scaled(sum(stat.field(14), stat.field(15)), tick));
    families.add("process_open_fds", "Number of open file descriptors.", MetricType::Gauge,
                 openDescriptors());
    families.add("process_max_fds", "Maximum number of open file descriptors.", MetricType::Gauge,
                 maxDescriptors());
    families.add("process_resident_memory_bytes", "Resident memory size in bytes.",
                 MetricType::Gauge, scaled(stat.field(24), page));
    families.add("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge,
                 stat.field(23));
    families.add("process_threads", "Number of threads.", MetricType::Gauge, stat.field(20));
    families.add("process_start_time_seconds",
                 "Start time of the process since the Unix epoch in seconds.", MetricType::Gauge,
                 sum(bootTime(), scaled(stat.field(22), tick)));
    return std::move(families).take();
}

}  // namespace evergate::process
