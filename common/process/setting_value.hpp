// SPDX-License-Identifier: Apache-2.0
// Text <-> the value of a setting, one overload pair per type. parseSetting() stores into `out` and
// gives an empty text, or says what the value must be ("must be a duration such as 30s or 500ms").
#pragma once

#include <charconv>
#include <chrono>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/process/listen_address.hpp"

namespace evergate::process {

std::string parseSetting(std::string_view text, std::string& out);
std::string parseSetting(std::string_view text, bool& out);  // true or false
std::string parseSetting(std::string_view text, std::chrono::milliseconds& out);
std::string parseSetting(std::string_view text, ListenAddress& out);
std::string parseSetting(std::string_view text, std::vector<std::string>& out);  // comma-separated

std::string formatSetting(const std::string& value);
std::string formatSetting(bool value);
std::string formatSetting(std::chrono::milliseconds value);
std::string formatSetting(const ListenAddress& value);
std::string formatSetting(const std::vector<std::string>& value);

template <std::unsigned_integral T>

requires(!std::same_as<T, bool>) std::string parseSetting(std::string_view text, T& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return "must be a whole number 0.." + std::to_string(std::numeric_limits<T>::max());
    }
    return {};
}

template <std::unsigned_integral T>

requires(!std::same_as<T, bool>) std::string formatSetting(T value) {
    return std::to_string(value);
}

// Optional: "not given" is a state of its own, without a default.
template <typename T>
std::string parseSetting(std::string_view text, std::optional<T>& out) {
    T value{};
    std::string complaint = parseSetting(text, value);
    if (complaint.empty()) {
        out = std::move(value);
    }
    return complaint;
}

template <typename T>
std::string formatSetting(const std::optional<T>& value) {
    return value ? formatSetting(*value) : std::string();
}

}  // namespace evergate::process
