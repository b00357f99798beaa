// SPDX-License-Identifier: Apache-2.0
#include "common/process/logging.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace evergate::process {
namespace {

std::string logged(LogFormat format, const std::string& message) {
    std::ostringstream out;
    const Logging logging(spdlog::level::info, format,
                          std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
    logging.logger("part")->info("{}", message);
    return out.str();
}

TEST(Logging, WritesATextLine) {
    EXPECT_THAT(logged(LogFormat::text, "listed count=3"),
                testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                      "\\.[0-9]{3}Z info part: listed count=3\n"));
}

TEST(Logging, KeepsOneRecordOnOneLine) {
    EXPECT_THAT(logged(LogFormat::text, "a\nb\r\x1b[31m\x7f é"),
                testing::EndsWith("info part: a\\nb\\x0d\\x1b[31m\\x7f é\n"));
}

TEST(Logging, WritesJsonWhateverTheMessage) {
    const std::string line = logged(LogFormat::json, "a\n\"b\" \xff\\");
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    const auto document = nlohmann::json::parse(line);
    EXPECT_EQ(document["level"], "info");
    EXPECT_EQ(document["logger"], "part");
    EXPECT_EQ(document["message"], "a\n\"b\" \xEF\xBF\xBD\\");
    EXPECT_EQ(document["time"].get<std::string>().size(), 24U);
    EXPECT_EQ(document.size(), 4U);
}

TEST(Logging, LeavesOutWhatIsBelowTheLevel) {
    std::ostringstream out;
    const Logging logging(spdlog::level::warn, LogFormat::text,
                          std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
    logging.logger("part")->info("no");
    EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace evergate::process
