// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <variant>

#include "dataplane/app.hpp"
#include "dataplane/control/metric_table.hpp"
#include "dataplane/net/bind_capability.hpp"

namespace {

std::string hostname() {
    char name[HOST_NAME_MAX + 1] = {};
    return ::gethostname(name, HOST_NAME_MAX) == 0 && name[0] != '\0' ? name : "dataplane";
}

}  // namespace

int main(int argc, char** argv) {
    using namespace evergate;
    const std::span<const char* const> arguments(argv + 1, static_cast<std::size_t>(argc - 1));
    auto parsed = dataplane::parseSettings(
        arguments, [](const char* name) { return std::getenv(name); }, hostname(), std::cout,
        std::cerr);
    if (const int* code = std::get_if<int>(&parsed))
        return *code;
    auto& settings = std::get<dataplane::DataplaneSettings>(parsed);
    if (settings.printMetricsDoc) {
        std::cout << dataplane::metricsDocument();
        return 0;
    }
    net::takeBindCapability();
    try {
        const process::Logging logging(settings.logLevel, settings.logFormat);
        dataplane::App app(std::move(settings), logging);
        return app.run();
    } catch (const std::exception& error) {
        std::cerr << "evergate-dataplane: " << error.what() << '\n';
        return 1;
    }
}
