// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/request_query.hpp"

#include <algorithm>

namespace evergate::dataplane {
namespace {

int hexDigit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// Form decoding: "%41" and '+' for a space.
std::optional<std::string> decode(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result += text[i] == '+' ? ' ' : text[i];
            continue;
        }
        if (i + 2 >= text.size())
            return std::nullopt;
        const int high = hexDigit(text[i + 1]);
        const int low = hexDigit(text[i + 2]);
        if (high < 0 || low < 0)
            return std::nullopt;
        result += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return result;
}

}  // namespace

std::optional<RequestQuery> RequestQuery::parse(std::string_view target) {
    if (target.size() > kMaxBytes)
        return std::nullopt;
    RequestQuery query;
    const auto mark = target.find('?');
    query.path_ = target.substr(0, mark);
    std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty())
            continue;
        if (query.parameters_.size() == kMaxParameters)
            return std::nullopt;
        const auto equals = pair.find('=');
        auto name = decode(pair.substr(0, equals));
        auto value = decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
        if (!name || !value)
            return std::nullopt;
        query.parameters_.emplace_back(std::move(*name), std::move(*value));
    }
    return query;
}

std::string_view RequestQuery::get(std::string_view name) const noexcept {
    for (const auto& [key, value] : parameters_) {
        if (key == name)
            return value;
    }
    return {};
}

bool RequestQuery::has(std::string_view name) const noexcept {
    return std::any_of(parameters_.begin(), parameters_.end(),
                       [&](const auto& parameter) { return parameter.first == name; });
}

std::vector<std::string> RequestQuery::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [key, value] : parameters_) {
        if (key == name)
            values.push_back(value);
    }
    return values;
}

}  // namespace evergate::dataplane
