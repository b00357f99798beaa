// SPDX-License-Identifier: Apache-2.0
// What both load generators share: `--name=value` arguments, a connection to a port of 127.0.0.1,
// and figures about the latencies taken. A wrong argument or a refused connection ends the program.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace evergate::bench {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

[[noreturn]] inline void fail(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(2);
}

class Arguments {
public:
    // `values` holds every argument there is, with its default; an empty one has to be given.
    Arguments(int argc, char** argv, std::map<std::string, std::string, std::less<>> values)
        : values_(std::move(values)) {
        for (int i = 1; i < argc; ++i)
            take(argv[i]);
        for (const auto& [name, value] : values_) {
            if (value.empty())
                fail("--" + name + "= is missing");
        }
    }

    const std::string& text(std::string_view name) const { return values_.find(name)->second; }

    double number(std::string_view name) const {
        const std::string& value = text(name);
        double result = 0;
        const auto end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, result);
        if (error != std::errc() || stop != end || result < 0)
            fail("--" + std::string(name) + ": not a number: " + value);
        return result;
    }

private:
    void take(std::string_view argument) {
        const std::size_t equals = argument.find('=');
        if (!argument.starts_with("--") || equals == std::string_view::npos)
            fail("not --name=value: " + std::string(argument));
        const auto found = values_.find(argument.substr(2, equals - 2));
        if (found == values_.end())
            fail("unknown argument: " + std::string(argument));
        found->second = argument.substr(equals + 1);
    }

    std::map<std::string, std::string, std::less<>> values_;
};

inline sockaddr_in loopback(double port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// A connected, blocking socket; -1 when it was refused.
inline int connectTo(const sockaddr_in& address) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return fd;
    ::close(fd);
    return -1;
}

inline double inSeconds(Nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

// 0 of nothing.
inline Nanoseconds percentile(std::vector<Nanoseconds> taken, double share) {
    if (taken.empty())
        return {};
    const auto index = static_cast<std::size_t>(share * static_cast<double>(taken.size()));
    const auto at = taken.begin() + static_cast<std::ptrdiff_t>(std::min(index, taken.size() - 1));
    std::nth_element(taken.begin(), at, taken.end());
    return *at;
}

// `"p50": ..., "p99": ...` in seconds.
inline std::string percentiles(const std::vector<Nanoseconds>& taken) {
    if (taken.empty())
        return R"("p50": null)";
    const auto at = [&](double share) { return inSeconds(percentile(taken, share)); };
    char text[160];
    std::snprintf(text, sizeof text,
                  R"("p50": %.7f, "p90": %.7f, "p99": %.7f, "p999": %.7f, "max": %.7f)", at(0.5),
                  at(0.9), at(0.99), at(0.999), at(1));
    return text;
}

}  // namespace evergate::bench
