// SPDX-License-Identifier: Apache-2.0
// Loggers of a program: made by its app, passed down by constructor, never looked up.
//
// Every record is exactly one line on stderr, whatever is in the message: control characters are
// escaped, so text from outside cannot forge records. Loggers may be used from any thread.
#pragma once

#include <spdlog/common.h>
#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evergate::process {

enum class LogFormat : std::uint8_t {
    text,  // 2025-01-31T12:00:00.123Z info kubernetes: listed kind=Ingress count=3
    json,  // {"time":"...","level":"info","logger":"kubernetes","message":"..."}
};

using Logger = std::shared_ptr<spdlog::logger>;

class Logging {
public:
    Logging(spdlog::level::level_enum level, LogFormat format);
    // To another place than stderr: for tests.
    Logging(spdlog::level::level_enum level, LogFormat format, spdlog::sink_ptr sink);

    Logger logger(std::string name) const;

private:
    spdlog::level::level_enum level_;
    spdlog::sink_ptr sink_;
};

// For SettingsTable::addChoice.
std::vector<std::pair<std::string_view, spdlog::level::level_enum>> logLevelChoices();
std::vector<std::pair<std::string_view, LogFormat>> logFormatChoices();

}  // namespace evergate::process
