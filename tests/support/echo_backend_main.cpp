// SPDX-License-Identifier: Apache-2.0
// echo_backend: the echo server as a program. See echo_server.hpp for what it answers.
//
//   echo_backend --listen=127.0.0.1:PORT[,more] [--raw=127.0.0.1:PORT[,more]] [--name=NAME]
//                [--workers=1]
// Prints one line "listening ADDRESS" per address (real ports where 0 was asked for), HTTP ones
// first; ends on SIGTERM or SIGINT.
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <string>
#include <string_view>

#include "tests/support/echo_server.hpp"

namespace {

using evergate::net::SocketAddress;
using evergate::test::EchoServer;

bool takeAddresses(std::string_view text, std::vector<SocketAddress>& out) {
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const auto address = SocketAddress::parseWithPort(text.substr(0, comma));
        if (!address)
            return false;
        out.push_back(*address);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return !out.empty();
}

bool takeOption(std::string_view option, EchoServer::Options& options) {
    const std::size_t equals = option.find('=');
    if (equals == std::string_view::npos)
        return false;
    const std::string_view name = option.substr(0, equals);
    const std::string_view value = option.substr(equals + 1);
    if (name == "--listen")
        return takeAddresses(value, options.listen);
    if (name == "--raw")
        return takeAddresses(value, options.raw);
    if (name == "--name") {
        options.name = value;
        return true;
    }
    if (name != "--workers")
        return false;
    const auto end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, options.workers);
    return error == std::errc() && stop == end && options.workers > 0;
}

}  // namespace

int main(int argc, char** argv) {
    EchoServer::Options options;
    bool good = true;
    for (int i = 1; i < argc; ++i)
        good = good && takeOption(argv[i], options);
    if (!good || (options.listen.empty() && options.raw.empty())) {
        std::cerr << "usage: echo_backend --listen=ADDRESS:PORT[,...] [--raw=...] [--name=NAME]"
                     " [--workers=N]\n";
        return 2;
    }
    sigset_t ending;
    ::sigemptyset(&ending);
    ::sigaddset(&ending, SIGTERM);
    ::sigaddset(&ending, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    try {
        const EchoServer server(options);
        for (const SocketAddress& address : server.addresses())
            std::cout << "listening " << address.textWithPort() << std::endl;
        int signal = 0;
        ::sigwait(&ending, &signal);
    } catch (const std::exception& error) {
        std::cerr << "echo_backend: " << error.what() << "\n";
        return 1;
    }
    return 0;
}
