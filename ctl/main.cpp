// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <exception>
#include <iostream>

#include "ctl/commands.hpp"
#include "ctl/exit_status.hpp"

int main(int argc, char** argv) {
    try {
        return evergate::ctl::run(
            {argv + 1, argv + argc}, [](const char* name) { return std::getenv(name); }, std::cout,
            std::cerr);
    } catch (const std::exception& error) {
        std::cerr << "evergatectl: " << error.what() << '\n';
        return evergate::ctl::kUnreachable;
    }
}
