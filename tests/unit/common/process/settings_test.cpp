// SPDX-License-Identifier: Apache-2.0
#include "common/process/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace evergate::process {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

enum class Color { red, green };

class SettingsTableTest : public testing::Test {
protected:
    SettingsTableTest() {
        table_.add("admin-listen", "ADDRESS", "where admin listens", listen_);
        table_.add("drain-timeout", "DURATION", "how long to drain", drain_);
        table_.add("workers", "N", "number of workers", workers_);
        table_.add("marathon-url", "URL[,URL]", "where Marathon is", urls_);
        table_.add("verbose", "", "say more", verbose_);
        table_.add("name", "NAME", "a name", name_).check([](std::string_view text) {
            return text == "bad" ? std::string("must not be bad") : std::string();
        });
        table_.addChoice("color", "which color", color_,
                         {{"red", Color::red}, {"green", Color::green}});
    }

    std::optional<int> parse(std::vector<const char*> arguments) {
        out_.str("");
        err_.str("");
        return table_.parse(
            arguments,
            [this](const char* name) {
                const auto it = environment_.find(name);
                return it == environment_.end() ? nullptr : it->second.c_str();
            },
            out_, err_);
    }

    void expectError(std::vector<const char*> arguments, const std::string& text) {
        EXPECT_EQ(parse(std::move(arguments)), 2);
        EXPECT_EQ(err_.str(), "prog: " + text + " (see --help)\n");
        EXPECT_EQ(out_.str(), "");
    }

    ListenAddress listen_{"127.0.0.1", 9301};
    milliseconds drain_{30'000};
    std::optional<std::uint32_t> workers_;
    std::vector<std::string> urls_;
    bool verbose_ = false;
    std::string name_;
    Color color_ = Color::red;
    SettingsTable table_{"prog", "1.2.3", "does things"};
    std::map<std::string, std::string> environment_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(SettingsTableTest, KeepsDefaultsWithoutArguments) {
    EXPECT_EQ(parse({}), std::nullopt);
    EXPECT_EQ(listen_, (ListenAddress{"127.0.0.1", 9301}));
    EXPECT_EQ(drain_, milliseconds(30'000));
    EXPECT_EQ(workers_, std::nullopt);
}

TEST_F(SettingsTableTest, ReadsEveryType) {
    EXPECT_EQ(parse({"--admin-listen=[::]:80", "--drain-timeout", "1m30s", "--workers=4",
                     "--marathon-url=a,b", "--verbose", "--name=a=b", "--color=green"}),
              std::nullopt);
    EXPECT_EQ(listen_, (ListenAddress{"::", 80}));
    EXPECT_EQ(drain_, milliseconds(90'000));
    EXPECT_EQ(workers_, 4U);
    EXPECT_THAT(urls_, testing::ElementsAre("a", "b"));
    EXPECT_TRUE(verbose_);
    EXPECT_EQ(name_, "a=b");
    EXPECT_EQ(color_, Color::green);
}

TEST_F(SettingsTableTest, LetsAFlagBeatTheEnvironment) {
    environment_ = {{"EVERGATE_WORKERS", "2"}, {"EVERGATE_DRAIN_TIMEOUT", "5s"}};
    EXPECT_EQ(parse({"--workers=3"}), std::nullopt);
    EXPECT_EQ(workers_, 3U);
    EXPECT_EQ(drain_, milliseconds(5'000));
}

TEST_F(SettingsTableTest, DoesNotReadAVariableThatAFlagBeats) {
    environment_ = {{"EVERGATE_WORKERS", "many"}};
    EXPECT_EQ(parse({"--workers=3"}), std::nullopt);
    expectError({}, "EVERGATE_WORKERS: \"many\" must be a whole number 0..4294967295");
}

TEST_F(SettingsTableTest, IgnoresEmptyAndForeignVariables) {
    environment_ = {{"EVERGATE_WORKERS", ""}, {"EVERGATE_PORT", "tcp://10.0.0.1:80"}};
    EXPECT_EQ(parse({}), std::nullopt);
    EXPECT_EQ(workers_, std::nullopt);
}

TEST_F(SettingsTableTest, TakesTheLastOfTwoEqualFlags) {
    EXPECT_EQ(parse({"--workers=1", "--verbose", "--workers=2", "--verbose=false"}), std::nullopt);
    EXPECT_EQ(workers_, 2U);
    EXPECT_FALSE(verbose_);
}

TEST_F(SettingsTableTest, NamesFlagAndValueOfAnError) {
    expectError({"--wokers=1"}, "unknown flag \"--wokers\"");
    expectError({"serve"}, "unexpected argument \"serve\"");
    expectError({"-v"}, "unexpected argument \"-v\"");
    expectError({"--"}, "unknown flag \"--\"");
    expectError({"--workers"}, "--workers needs a value");
    expectError({"--workers="}, "--workers: \"\" must be a whole number 0..4294967295");
    expectError({"--workers=-1"}, "--workers: \"-1\" must be a whole number 0..4294967295");
    expectError({"--workers=4294967296"},
                "--workers: \"4294967296\" must be a whole number 0..4294967295");
    expectError({"--workers=2x"}, "--workers: \"2x\" must be a whole number 0..4294967295");
    expectError({"--drain-timeout=30"},
                "--drain-timeout: \"30\" must be a duration such as 30s, 500ms or 1h30m");
    expectError({"--admin-listen=localhost:80"},
                "--admin-listen: \"localhost:80\" must be an IP address and port such as "
                "127.0.0.1:9301 or [::]:80");
    expectError({"--marathon-url=a,,b"},
                "--marathon-url: \"a,,b\" must be a list with commas between, without empty items");
    expectError({"--verbose=yes"}, "--verbose: \"yes\" must be true or false");
    expectError({"--color=blue"}, "--color: \"blue\" must be red|green");
    expectError({"--name=bad"}, "--name: \"bad\" must not be bad");
}

TEST_F(SettingsTableTest, KeepsControlCharactersOutOfErrors) {
    expectError({"--a\n\x1b[31m"}, "unknown flag \"--a??[31m\"");
    expectError({(std::string(500, '-')).c_str()},
                "unknown flag \"" + std::string(200, '-') + "...\"");
}

TEST_F(SettingsTableTest, AsksForRequiredSettings) {
    std::string source;
    table_.add("source", "KIND", "what to watch", source).required();
    expectError({}, "--source is required (or EVERGATE_SOURCE)");
    EXPECT_EQ(parse({"--source=directory"}), std::nullopt);
    EXPECT_EQ(source, "directory");
}

TEST_F(SettingsTableTest, PrintsHelpAndVersionFromTheTable) {
    EXPECT_EQ(parse({"--wrong", "--help"}), 0);
    EXPECT_THAT(out_.str(), HasSubstr("prog 1.2.3: does things\n"));
    EXPECT_THAT(out_.str(), HasSubstr("  --admin-listen=ADDRESS\n        where admin listens. "
                                      "Default: 127.0.0.1:9301. "
                                      "Environment: EVERGATE_ADMIN_LISTEN\n"));
    EXPECT_THAT(out_.str(), HasSubstr("  --verbose\n"));
    EXPECT_THAT(out_.str(), HasSubstr("  --color=red|green\n        which color. Default: red."));
    EXPECT_EQ(err_.str(), "");
    EXPECT_EQ(parse({"--version"}), 0);
    EXPECT_EQ(out_.str(), "prog 1.2.3\n");
}

TEST_F(SettingsTableTest, AChoiceMayDoWithoutAValue) {
    int level = 1;
    table_.addChoice("level", "how much", level, {{"true", 1}, {"false", 0}, {"only", 2}})
        .bareMeansTrue();
    EXPECT_EQ(parse({"--level=only"}), std::nullopt);
    EXPECT_EQ(level, 2);
    EXPECT_EQ(parse({"--level", "--verbose"}), std::nullopt);
    EXPECT_EQ(level, 1);
    EXPECT_TRUE(verbose_);
    expectError({"--level=more"}, "--level: \"more\" must be true|false|only");
    EXPECT_EQ(parse({"--help"}), 0);
    EXPECT_THAT(out_.str(), HasSubstr("  --level=true|false|only\n        how much. Default: "));
}

TEST_F(SettingsTableTest, WrapsHelpAtTheWidth) {
    std::string text;
    std::string description;
    for (int i = 0; i < 60; ++i) {
        description += "word ";
    }
    table_.add("long", "TEXT", description, text);
    EXPECT_EQ(parse({"--help"}), 0);
    std::istringstream lines(out_.str());
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(line.size(), 100U);
    }
}

}  // namespace
}  // namespace evergate::process
