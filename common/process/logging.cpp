// SPDX-License-Identifier: Apache-2.0
#include "common/process/logging.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

namespace evergate::process {
namespace {

std::string_view toView(spdlog::string_view_t text) {
    return {text.data(), text.size()};
}

// UTC with milliseconds, RFC 3339.
std::string timestamp(spdlog::log_clock::time_point time) {
    using std::chrono::milliseconds;
    const auto sinceEpoch =
        std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
    const auto seconds = static_cast<std::time_t>(sinceEpoch / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       sinceEpoch % 1000);
}

std::string escapeControls(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            result += "\\n";
        } else if (byte < 0x20 || byte == 0x7F) {
            result += fmt::format("\\x{:02x}", byte);
        } else {
            result.push_back(c);
        }
    }
    return result;
}

std::string jsonString(std::string_view text) {
    // Messages may quote outside bytes that are not UTF-8.
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class LineFormatter final : public spdlog::formatter {
public:
    explicit LineFormatter(LogFormat format) : format_(format) {}

    void format(const spdlog::details::log_msg& record, spdlog::memory_buf_t& out) override {
        const std::string_view level = toView(spdlog::level::to_string_view(record.level));
        const std::string_view logger = toView(record.logger_name);
        const std::string_view message = toView(record.payload);
        if (format_ == LogFormat::json) {
            fmt::format_to(std::back_inserter(out),
                           R"({{"time":"{}","level":"{}","logger":{},"message":{}}})"
                           "\n",
                           timestamp(record.time), level, jsonString(logger), jsonString(message));
        } else {
            fmt::format_to(std::back_inserter(out), "{} {} {}: {}\n", timestamp(record.time), level,
                           logger, escapeControls(message));
        }
    }

    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<LineFormatter>(format_);
    }

private:
    LogFormat format_;
};

}  // namespace

Logging::Logging(spdlog::level::level_enum level, LogFormat format)
    : Logging(level, format, std::make_shared<spdlog::sinks::stderr_sink_mt>()) {}

Logging::Logging(spdlog::level::level_enum level, LogFormat format, spdlog::sink_ptr sink)
    : level_(level), sink_(std::move(sink)) {
    sink_->set_formatter(std::make_unique<LineFormatter>(format));
}

Logger Logging::logger(std::string name) const {
    auto logger = std::make_shared<spdlog::logger>(std::move(name), sink_);
    logger->set_level(level_);
    return logger;
}

std::vector<std::pair<std::string_view, spdlog::level::level_enum>> logLevelChoices() {
    return {{"trace", spdlog::level::trace}, {"debug", spdlog::level::debug},
            {"info", spdlog::level::info},   {"warning", spdlog::level::warn},
            {"error", spdlog::level::err},   {"off", spdlog::level::off}};
}

std::vector<std::pair<std::string_view, LogFormat>> logFormatChoices() {
    return {{"text", LogFormat::text}, {"json", LogFormat::json}};
}

}  // namespace evergate::process
