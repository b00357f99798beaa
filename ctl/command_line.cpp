// SPDX-License-Identifier: Apache-2.0
#include "ctl/command_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace evergate::ctl {
namespace {

struct CommandRow {
    std::string_view name;
    Command command;
    std::size_t least;  // arguments
    std::size_t most;
    std::string_view usage;
};

constexpr std::array kCommands = {
    CommandRow{"status", Command::status, 0, 0, "status"},
    CommandRow{"routes", Command::routes, 0, 1, "routes [TEXT]"},
    CommandRow{"backends", Command::backends, 0, 1, "backends [TEXT]"},
    CommandRow{"listeners", Command::listeners, 0, 0, "listeners"},
    CommandRow{"explain", Command::explain, 2, 2, "explain METHOD URL [-H 'NAME: VALUE']"},
    CommandRow{"revisions", Command::revisions, 0, 0, "revisions"},
    CommandRow{"problems", Command::problems, 0, 0, "problems"},
    CommandRow{"dataplanes", Command::dataplanes, 0, 0, "dataplanes"},
    CommandRow{"drain", Command::drain, 0, 0, "drain"},
    CommandRow{"validate", Command::validate, 1, 1, "validate DIRECTORY"},
    CommandRow{"annotations", Command::annotations, 0, 0, "annotations"},
    CommandRow{"help", Command::help, 0, 0, "help"},
};

// Of the controller, where they change what a problem is.
constexpr std::array<std::string_view, 6> kControllerFlags = {
    "--http-listen",         "--https-listen",
    "--default-certificate", "--https-client-certificates",
    "--https-client-ca",     "--https-client-verify-depth"};

template <std::size_t N>
bool isOneOf(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Options take their value as "--name=value" or as the next argument.
class Parser {
public:
    explicit Parser(const std::vector<std::string>& arguments) : arguments_(arguments) {}

    std::variant<CommandLine, UsageError> run(const Environment& environment) {
        readEnvironment(environment);
        while (next_ < arguments_.size() && !error_) {
            readOne(arguments_[next_++]);
        }
        if (!error_) {
            checkCommand();
        }
        if (error_) {
            return UsageError{std::move(*error_)};
        }
        return std::move(result_);
    }

private:
    void fail(std::string what) {
        if (!error_) {
            error_ = std::move(what);
        }
    }

    void readEnvironment(const Environment& environment) {
        for (const auto& [name, target] :
             {std::pair("EVERGATE_ADMIN", &result_.admin),
              std::pair("EVERGATE_CONTROLLER_ADMIN", &result_.controllerAdmin)}) {
            const char* value = environment(name);
            if (value != nullptr && *value != '\0') {
                *target = value;
            }
        }
    }

    void readOne(const std::string& argument) {
        if (onlyWords_ || argument.size() < 2 || argument[0] != '-') {
            words_.push_back(argument);
        } else if (argument == "--") {
            onlyWords_ = true;
        } else if (argument == "-h" || argument == "--help") {
            help_ = true;
        } else {
            const std::size_t equals =
                argument.starts_with("--") ? argument.find('=') : std::string::npos;
            const std::string name = argument.substr(0, equals);
            if (!isOption(name)) {
                fail("unknown option " + name);
            } else if (equals != std::string::npos) {
                setOption(name, argument.substr(equals + 1));
            } else if (next_ < arguments_.size()) {
                setOption(name, arguments_[next_++]);
            } else {
                fail(name + " needs a value");
            }
        }
    }

    static bool isOption(std::string_view name) {
        constexpr std::array<std::string_view, 8> kOptions = {
            "--admin",         "--controller-admin",
            "--ingress-class", "--timeout",
            "--output",        "-o",
            "--header",        "-H"};
        return isOneOf(kOptions, name) || isOneOf(kControllerFlags, name);
    }

    void setOption(std::string_view name, const std::string& value) {
        if (name == "--admin") {
            result_.admin = value;
        } else if (name == "--controller-admin") {
            result_.controllerAdmin = value;
        } else if (name == "--ingress-class") {
            result_.ingressClass = value;
        } else if (name == "--timeout") {
            setTimeout(value);
        } else if (isOneOf(kControllerFlags, name)) {
            result_.controllerFlags.push_back(std::string(name) + '=' + value);
        } else if (name == "-H" || name == "--header") {
            setHeader(value);
        } else if (value == "json" || value == "table") {
            result_.output = value == "json" ? Output::json : Output::table;
        } else {
            fail("-o must be table or json, not \"" + value + '"');
        }
    }

    void setHeader(const std::string& value) {
        const std::size_t colon = value.find(':');
        if (colon == std::string::npos || colon == 0 ||
            value.find_first_of("\r\n") != std::string::npos) {
            fail("-H must be 'NAME: VALUE'");
        }
        result_.headers.push_back(value);
    }

    // "5s" or "500ms".
    void setTimeout(const std::string& value) {
        long count = 0;
        const char* end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, count);
        const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
        if (error != std::errc() || count < 1 || count > 3'600'000 ||
            (unit != "s" && unit != "ms")) {
            fail("--timeout must be like 5s or 500ms, not \"" + value + '"');
            return;
        }
        result_.timeout = std::chrono::milliseconds(unit == "s" ? count * 1000 : count);
    }

    void checkCommand() {
        if (help_) {
            result_.command = Command::help;
            return;
        }
        if (words_.empty()) {
            fail("a command is missing");
            return;
        }
        const auto row = std::find_if(kCommands.begin(), kCommands.end(),
                                      [&](const auto& each) { return each.name == words_[0]; });
        if (row == kCommands.end()) {
            fail("unknown command \"" + words_[0] + '"');
            return;
        }
        result_.command = row->command;
        result_.arguments.assign(words_.begin() + 1, words_.end());
        if (result_.arguments.size() < row->least || result_.arguments.size() > row->most) {
            fail("usage: evergatectl " + std::string(row->usage));
        } else if (!result_.headers.empty() && row->command != Command::explain) {
            fail("-H is for explain only");
        } else if (!result_.controllerFlags.empty() && row->command != Command::validate) {
            const std::string& flag = result_.controllerFlags.front();
            fail(flag.substr(0, flag.find('=')) + " is for validate only");
        }
    }

    const std::vector<std::string>& arguments_;
    std::size_t next_ = 0;
    bool onlyWords_ = false;
    bool help_ = false;
    std::vector<std::string> words_;
    CommandLine result_;
    std::optional<std::string> error_;
};

}  // namespace

std::variant<CommandLine, UsageError> parseCommandLine(const std::vector<std::string>& arguments,
                                                       const Environment& environment) {
    return Parser(arguments).run(environment);
}

std::string_view helpText() {
    return R"(evergatectl asks an Evergate data plane, and its controller, what is served and why.

  evergatectl status                 is it ready, connected, up to date
  evergatectl routes [TEXT]          its routes; TEXT: part of host, path, backend or origin
  evergatectl backends [TEXT]        its backends and their endpoints; TEXT: part of the name
  evergatectl listeners              what it accepts on
  evergatectl explain METHOD URL     where a request would go, and why
  evergatectl revisions              the latest configurations it was given
  evergatectl problems               asks the controller: objects it had to leave out, and why
  evergatectl dataplanes             asks the controller: who is connected, and how far they are
  evergatectl drain                  stop taking new connections and finish the old ones
  evergatectl validate DIRECTORY     check manifests as the directory source reads them; asks nobody
  evergatectl annotations            which annotations there are, and what they take; asks nobody

  --admin=URL              of the data plane  [http://127.0.0.1:9302, EVERGATE_ADMIN]
  --controller-admin=URL   of the controller  [http://127.0.0.1:9301, EVERGATE_CONTROLLER_ADMIN]
  --timeout=TIME           for one answer  [5s]
  --ingress-class=NAME     for validate  [evergate]
  --http-listen, --https-listen, --default-certificate, --https-client-certificates,
  --https-client-ca, --https-client-verify-depth
                           for validate: as the controller has them
  -H, --header 'N: V'      for explain: a header of the request; may be repeated
  -o, --output table|json  [table]

Exit status: 0 good, 1 the answer is no (not ready, no route, problems found),
2 wrong usage, 3 cannot reach what was asked.
)";
}

}  // namespace evergate::ctl
