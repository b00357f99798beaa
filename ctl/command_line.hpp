// SPDX-License-Identifier: Apache-2.0
// The command line of evergatectl. Pure: arguments and environment in, a plain value out.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace evergate::ctl {

enum class Command {
    status,
    routes,
    backends,
    listeners,
    explain,
    revisions,
    problems,
    dataplanes,
    drain,
    validate,
    annotations,
    help
};

enum class Output { table, json };

struct CommandLine {
    Command command = Command::help;
    std::string admin = "http://127.0.0.1:9302";
    std::string controllerAdmin = "http://127.0.0.1:9301";
    std::string ingressClass = "evergate";
    std::vector<std::string> controllerFlags;  // for validate: "--https-listen=off"
    std::chrono::milliseconds timeout{5'000};
    Output output = Output::table;
    std::vector<std::string> headers;    // of explain: "Name: value"
    std::vector<std::string> arguments;  // what follows the command
};

struct UsageError {
    std::string what;
};

using Environment = std::function<const char*(const char* name)>;

std::variant<CommandLine, UsageError> parseCommandLine(const std::vector<std::string>& arguments,
                                                       const Environment& environment);

std::string_view helpText();

}  // namespace evergate::ctl
