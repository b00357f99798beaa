// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/timestamp.hpp"

#include <chrono>

namespace evergate::controller {
namespace {

bool isDigit(char c) noexcept {
    return c >= '0' && c <= '9';
}

// Takes `digits` digits, then `after` (0: nothing) off the front of `text`; -1 when they are not
// there.
int take(std::string_view& text, std::size_t digits, char after) noexcept {
    const std::size_t size = digits + (after != '\0' ? 1 : 0);
    if (text.size() < size || (after != '\0' && text[digits] != after)) {
        return -1;
    }
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (!isDigit(text[i])) {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(size);
    return value;
}

void skipFraction(std::string_view& text) noexcept {
    if (text.size() < 2 || text[0] != '.' || !isDigit(text[1])) {
        return;
    }
    std::size_t end = 1;
    while (end < text.size() && isDigit(text[end])) {
        ++end;
    }
    text.remove_prefix(end);
}

std::optional<std::int64_t> parseOffset(std::string_view text) noexcept {
    if (text == "Z" || text == "z") {
        return 0;
    }
    if (text.empty() || (text[0] != '+' && text[0] != '-')) {
        return std::nullopt;
    }
    const int sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    const int hours = take(text, 2, ':');
    const int minutes = take(text, 2, '\0');
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || !text.empty()) {
        return std::nullopt;
    }
    return sign * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<std::int64_t> parseTimestamp(std::string_view text) noexcept {
    using namespace std::chrono;
    const int y = take(text, 4, '-');
    const int m = take(text, 2, '-');
    const int d = take(text, 2, 'T');
    const int hour = take(text, 2, ':');
    const int minute = take(text, 2, ':');
    const int second = take(text, 2, '\0');
    if (y < 0 || m < 0 || d < 0 || hour < 0 || minute < 0 || second < 0) {
        return std::nullopt;
    }
    skipFraction(text);
    const auto offset = parseOffset(text);
    const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                              day(static_cast<unsigned>(d))};
    if (!offset || !date.ok() || hour > 23 || minute > 59 || second > 60) {
        return std::nullopt;
    }
    const std::int64_t days = sys_days(date).time_since_epoch().count();
    return days * 86'400 + hour * 3600 + minute * 60 + second - *offset;
}

}  // namespace evergate::controller
