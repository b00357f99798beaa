// SPDX-License-Identifier: Apache-2.0
// The fake Marathon as a program:
//     fake_marathon [--port=N[,N]] [--heartbeat=MILLISECONDS]
// One master per port (0: any free one). Prints "listening on N N" and runs until SIGINT or
// SIGTERM.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_marathon.hpp"

namespace {

struct Arguments {
    std::vector<std::uint16_t> ports;
    std::chrono::milliseconds heartbeat{10'000};
};

bool take(std::string_view argument, Arguments& arguments) {
    const auto equals = argument.find('=');
    const auto name = argument.substr(0, equals);
    std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
    if (name == "--heartbeat") {
        arguments.heartbeat = std::chrono::milliseconds(std::strtoul(value.c_str(), nullptr, 10));
        return arguments.heartbeat.count() > 0;
    }
    if (name != "--port" || value.empty()) {
        return false;
    }
    const char* at = value.c_str();
    while (*at != '\0') {
        char* end = nullptr;
        const auto port = std::strtoul(at, &end, 10);
        if (end == at || port > 65535) {
            return false;
        }
        arguments.ports.push_back(static_cast<std::uint16_t>(port));
        at = *end == ',' ? end + 1 : end;
        if (*end != ',' && *end != '\0') {
            return false;
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        if (!take(argv[i], arguments)) {
            std::fprintf(stderr, "fake_marathon: unknown or malformed argument %s\n", argv[i]);
            return 2;
        }
    }
    if (arguments.ports.empty()) {
        arguments.ports.push_back(0);
    }
    try {
        boost::asio::io_context context{1};
        evergate::test::FakeMarathon marathon(context, arguments.ports);
        marathon.faults().heartbeat = arguments.heartbeat;
        boost::asio::signal_set signals(context, SIGINT, SIGTERM);
        signals.async_wait([&](auto, int) { context.stop(); });
        std::printf("listening on");
        for (std::size_t i = 0; i < arguments.ports.size(); ++i) {
            std::printf(" %u", static_cast<unsigned>(marathon.port(i)));
        }
        std::printf("\n");
        std::fflush(stdout);
        context.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fake_marathon: %s\n", error.what());
        return 1;
    }
    return 0;
}
