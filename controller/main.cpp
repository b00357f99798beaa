// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <utility>
#include <variant>

#include "controller/app.hpp"
#include "controller/controller_metric_table.hpp"

int main(int argc, char** argv) {
    using namespace evergate::controller;
    try {
        const std::span<const char* const> arguments(argv + 1, argv + argc);
        auto settings = parseSettings(
            arguments, [](const char* name) { return std::getenv(name); }, std::cout, std::cerr);
        if (const int* code = std::get_if<int>(&settings)) {
            return *code;
        }
        if (std::get<ControllerSettings>(settings).printMetricsDoc) {
            std::cout << controllerMetricsDocument();
            return 0;
        }
        return App(std::move(std::get<ControllerSettings>(settings))).run();
    } catch (const std::exception& error) {
        std::cerr << "evergate-controller: " << error.what() << '\n';
        return 1;
    }
}
