// SPDX-License-Identifier: Apache-2.0
// fake_kube_api [--listen=127.0.0.1:PORT] [--drop-every=1s|500ms] [--bookmarks=500ms]
//
// The fake API server as a program, for tests in other languages. Prints "listening on PORT" and
// serves until SIGTERM or SIGINT. Faults: see fake_kube_api_control.hpp.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/fake_kube_api.hpp"

namespace {

struct Arguments {
    std::string address = "127.0.0.1";
    unsigned long port = 0;
    std::chrono::milliseconds dropEvery{0};
    std::chrono::milliseconds bookmarks{10'000};
};

std::chrono::milliseconds parseDuration(const std::string& text) {
    char* unit = nullptr;
    const auto number = std::strtoul(text.c_str(), &unit, 10);
    return std::chrono::milliseconds(std::string_view(unit) == "s" ? number * 1000 : number);
}

bool take(std::string_view argument, Arguments& arguments) {
    const auto equals = argument.find('=');
    const auto name = argument.substr(0, equals);
    const auto value =
        std::string(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
    if (name == "--listen") {
        const auto colon = value.rfind(':');
        arguments.address = value.substr(0, colon);
        arguments.port = std::strtoul(value.c_str() + colon + 1, nullptr, 10);
        return colon != std::string::npos && arguments.port <= 65535;
    }
    if (name == "--drop-every") {
        arguments.dropEvery = parseDuration(value);
        return true;
    }
    if (name == "--bookmarks") {
        arguments.bookmarks = parseDuration(value);
        return true;
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        if (!take(argv[i], arguments)) {
            std::fprintf(stderr, "fake_kube_api: unknown or malformed argument %s\n", argv[i]);
            return 2;
        }
    }
    try {
        boost::asio::io_context context{1};
        evergate::test::FakeKubeApi api(context, static_cast<std::uint16_t>(arguments.port), {},
                                        arguments.address);
        api.faults().bookmarkEvery = arguments.bookmarks;
        api.dropEvery(arguments.dropEvery);
        boost::asio::signal_set signals(context, SIGINT, SIGTERM);
        signals.async_wait([&](auto, int) { context.stop(); });
        std::printf("listening on %u\n", static_cast<unsigned>(api.port()));
        std::fflush(stdout);
        context.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fake_kube_api: %s\n", error.what());
        return 1;
    }
    return 0;
}
