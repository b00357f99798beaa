// SPDX-License-Identifier: Apache-2.0
#include "common/process/admin_message.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace evergate::process {
namespace {

int hexDigit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> decode(std::string_view text, bool plusIsSpace) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result.push_back(text[i] == '+' && plusIsSpace ? ' ' : text[i]);
            continue;
        }
        const int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hexDigit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            return std::nullopt;
        }
        result.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return result;
}

}  // namespace

std::string_view AdminRequest::parameter(std::string_view name, std::string_view fallback) const {
    const auto it = query.find(name);
    return it == query.end() ? fallback : std::string_view(it->second);
}

AdminResponse AdminResponse::text(std::string body, unsigned status) {
    body.push_back('\n');
    return {status, "text/plain; charset=utf-8", std::move(body)};
}

AdminResponse AdminResponse::json(std::string body, unsigned status) {
    return {status, "application/json", std::move(body)};
}

AdminResponse AdminResponse::html(std::string body) {
    return {200, "text/html; charset=utf-8", std::move(body)};
}

AdminResponse AdminResponse::error(unsigned status, std::string_view what) {
    const nlohmann::json document{{"error", what}};
    return json(document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), status);
}

std::optional<AdminTarget> parseAdminTarget(std::string_view target) {
    if (!target.starts_with('/')) {
        return std::nullopt;
    }
    target = target.substr(0, target.find('#'));
    const std::size_t question = target.find('?');
    auto path = decode(target.substr(0, question), false);
    if (!path) {
        return std::nullopt;
    }
    AdminTarget result{std::move(*path), {}};
    std::string_view query =
        question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        const std::size_t equals = pair.find('=');
        auto name = decode(pair.substr(0, equals), true);
        auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                      : decode(pair.substr(equals + 1), true);
        if (!name || !value) {
            return std::nullopt;
        }
        if (!pair.empty()) {
            result.query.try_emplace(std::move(*name), std::move(*value));
        }
    }
    return result;
}

bool isOwnOrigin(std::string_view origin, std::string_view host) noexcept {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme) && !host.empty() && origin.substr(scheme.size()) == host) {
            return true;
        }
    }
    return false;
}

}  // namespace evergate::process
