// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/core_schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace evergate::controller::directory {
namespace {

using Json = nlohmann::json;

bool isOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t countDigits(std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(), isDigit);
    return static_cast<std::size_t>(end - text.begin());
}

std::string_view withoutSign(std::string_view text) {
    return text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
}

bool isDecimal(std::string_view text) {
    const std::string_view digits = withoutSign(text);
    return !digits.empty() && countDigits(digits) == digits.size();
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool isFloat(std::string_view text) {
    std::string_view rest = withoutSign(text);
    const std::size_t whole = countDigits(rest);
    rest.remove_prefix(whole);
    std::size_t fraction = 0;
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = countDigits(rest);
        rest.remove_prefix(fraction);
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (rest.starts_with('e') || rest.starts_with('E')) {
        return isDecimal(rest.substr(1));
    }
    return rest.empty();
}

template <typename Number>
std::optional<Json> parseWhole(std::string_view text, int base) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    return error == std::errc() && stop == end ? std::optional<Json>(value) : std::nullopt;
}

std::optional<Json> parseDecimal(std::string_view text) {
    return text.starts_with('-') ? parseWhole<std::int64_t>(text, 10)
                                 : parseWhole<std::uint64_t>(withoutSign(text), 10);
}

std::optional<Json> parseFloat(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end && std::isfinite(value) ? std::optional<Json>(value)
                                                                       : std::nullopt;
}

// 0o17 and 0xFF; nothing when the digits are not of that base.
bool isPrefixed(std::string_view text, char letter, int base) {
    return text.size() > 2 && text[0] == '0' && text[1] == letter &&
           std::all_of(text.begin() + 2, text.end(), [base](char c) {
               return base == 8 ? c >= '0' && c <= '7'
                                : isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
           });
}

bool isNull(std::string_view text) {
    return isOneOf(text, {"", "~", "null", "Null", "NULL"});
}

bool isTrue(std::string_view text) {
    return isOneOf(text, {"true", "True", "TRUE"});
}

bool isFalse(std::string_view text) {
    return isOneOf(text, {"false", "False", "FALSE"});
}

bool isEndless(std::string_view text) {
    return isOneOf(withoutSign(text), {".inf", ".Inf", ".INF"}) ||
           isOneOf(text, {".nan", ".NaN", ".NAN"});
}

}  // namespace

std::optional<Json> resolvePlain(const std::string& text) {
    if (isNull(text)) {
        return Json(nullptr);
    }
    if (isTrue(text) || isFalse(text)) {
        return Json(isTrue(text));
    }
    if (isDecimal(text)) {
        return parseDecimal(text);
    }
    if (isPrefixed(text, 'o', 8)) {
        return parseWhole<std::uint64_t>(std::string_view(text).substr(2), 8);
    }
    if (isPrefixed(text, 'x', 16)) {
        return parseWhole<std::uint64_t>(std::string_view(text).substr(2), 16);
    }
    if (isFloat(text)) {
        return parseFloat(text);
    }
    return isEndless(text) ? std::nullopt : std::optional<Json>(text);
}

std::optional<Json> resolveTagged(const std::string& tag, const std::string& text) {
    constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
    if (tag == "?" || tag.empty()) {
        return resolvePlain(text);
    }
    if (tag == "!") {
        return Json(text);
    }
    if (!tag.starts_with(kPrefix)) {
        return std::nullopt;
    }
    const std::string_view type = std::string_view(tag).substr(kPrefix.size());
    if (type == "str") {
        return Json(text);
    }
    auto value = resolvePlain(text);
    const bool fits =
        value &&
        ((type == "int" && value->is_number_integer()) || (type == "float" && value->is_number()) ||
         (type == "bool" && value->is_boolean()) || (type == "null" && value->is_null()));
    return fits ? value : std::nullopt;
}

}  // namespace evergate::controller::directory
