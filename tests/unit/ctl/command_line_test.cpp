// SPDX-License-Identifier: Apache-2.0
#include "ctl/command_line.hpp"

#include <gmock/gmock.h>

#include <map>

namespace evergate::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::variant<CommandLine, UsageError> parse(
    std::vector<std::string> arguments, const std::map<std::string, std::string>& variables = {}) {
    return parseCommandLine(arguments, [&](const char* name) -> const char* {
        const auto it = variables.find(name);
        return it == variables.end() ? nullptr : it->second.c_str();
    });
}

CommandLine good(std::vector<std::string> arguments,
                 const std::map<std::string, std::string>& variables = {}) {
    auto parsed = parse(std::move(arguments), variables);
    if (const auto* error = std::get_if<UsageError>(&parsed)) {
        ADD_FAILURE() << error->what;
        return {};
    }
    return std::get<CommandLine>(std::move(parsed));
}

std::string wrong(std::vector<std::string> arguments) {
    const auto parsed = parse(std::move(arguments));
    const auto* error = std::get_if<UsageError>(&parsed);
    return error == nullptr ? "parsed" : error->what;
}

TEST(CommandLine, ReadsCommandsAndOptionsInAnyOrder) {
    const CommandLine line = good({"--admin=http://a:1", "explain", "-H", "Host: x", "GET", "-o",
                                   "json", "http://x/", "--header=A: b", "--timeout", "250ms"});
    EXPECT_EQ(line.command, Command::explain);
    EXPECT_EQ(line.admin, "http://a:1");
    EXPECT_EQ(line.output, Output::json);
    EXPECT_EQ(line.timeout.count(), 250);
    EXPECT_THAT(line.headers, ElementsAre("Host: x", "A: b"));
    EXPECT_THAT(line.arguments, ElementsAre("GET", "http://x/"));
}

TEST(CommandLine, LetsFlagsBeatTheEnvironment) {
    const std::map<std::string, std::string> variables{{"EVERGATE_ADMIN", "http://e:1"},
                                                       {"EVERGATE_CONTROLLER_ADMIN", ""}};
    EXPECT_EQ(good({"status"}, variables).admin, "http://e:1");
    EXPECT_EQ(good({"status"}, variables).controllerAdmin, "http://127.0.0.1:9301");
    EXPECT_EQ(good({"status", "--admin", "http://f:1"}, variables).admin, "http://f:1");
}

TEST(CommandLine, TakesWhatFollowsTwoDashesAsArguments) {
    EXPECT_THAT(good({"validate", "--", "-folder"}).arguments, ElementsAre("-folder"));
}

TEST(CommandLine, KeepsFlagsOfTheControllerForValidate) {
    EXPECT_THAT(good({"validate", "a", "--https-listen", "off", "--http-listen=127.0.0.1:1"})
                    .controllerFlags,
                ElementsAre("--https-listen=off", "--http-listen=127.0.0.1:1"));
}

TEST(CommandLine, HelpsWithoutACommand) {
    EXPECT_EQ(good({"--help"}).command, Command::help);
    EXPECT_EQ(good({"explain", "-h"}).command, Command::help);
    for (const char* word : {"status", "validate", "--admin", "Exit status"}) {
        EXPECT_THAT(std::string(helpText()), HasSubstr(word));
    }
}

TEST(CommandLine, NamesWhatIsWrong) {
    EXPECT_EQ(wrong({}), "a command is missing");
    EXPECT_EQ(wrong({"start"}), "unknown command \"start\"");
    EXPECT_EQ(wrong({"status", "now"}), "usage: evergatectl status");
    EXPECT_THAT(wrong({"explain", "GET"}), HasSubstr("usage: evergatectl explain METHOD URL"));
    EXPECT_EQ(wrong({"status", "--colour"}), "unknown option --colour");
    EXPECT_EQ(wrong({"status", "--admin"}), "--admin needs a value");
    EXPECT_EQ(wrong({"status", "-o", "yaml"}), "-o must be table or json, not \"yaml\"");
    EXPECT_EQ(wrong({"status", "-H", "A: b"}), "-H is for explain only");
    EXPECT_EQ(wrong({"status", "--https-listen=off"}), "--https-listen is for validate only");
    EXPECT_EQ(wrong({"validate", "a", "--via=b"}), "unknown option --via");
    EXPECT_EQ(wrong({"explain", "GET", "/", "-H", "A"}), "-H must be 'NAME: VALUE'");
    for (const char* time : {"5", "0s", "-1s", "s", "5m", "99999999s"}) {
        EXPECT_THAT(wrong({"status", "--timeout", time}), HasSubstr("--timeout must be")) << time;
    }
}

}  // namespace
}  // namespace evergate::ctl
