// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/json_text.hpp"

#include <nlohmann/json.hpp>

namespace evergate::controller::kubernetes {
namespace {

std::size_t skipSpace(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && isJsonSpace(text[at])) {
        ++at;
    }
    return at;
}

// The value that begins at `at`; empty when it does not end within `text`.
std::string_view valueAt(std::string_view text, std::size_t at) noexcept {
    JsonValueCursor cursor;
    std::size_t taken = 0;
    const auto rest = text.substr(at);
    return cursor.follow(rest, taken) == JsonValueCursor::State::ended ? rest.substr(0, taken)
                                                                       : std::string_view{};
}

}  // namespace

JsonValueCursor::State JsonValueCursor::follow(std::string_view text, std::size_t& taken) noexcept {
    taken = 0;
    while (taken < text.size()) {
        if (step(text[taken], taken)) {
            return State::ended;
        }
        if (depth_ > kMaxJsonDepth) {
            return State::tooDeep;
        }
    }
    return State::inside;
}

// Takes one byte, unless it ends a scalar; true when the value has ended.
bool JsonValueCursor::step(char c, std::size_t& taken) noexcept {
    if (inString_) {
        ++taken;
        if (escaped_) {
            escaped_ = false;
        } else if (c == '\\') {
            escaped_ = true;
        } else if (c == '"') {
            inString_ = false;
            return depth_ == 0;
        }
        return false;
    }
    if (scalar_) {
        if (c == ',' || c == '}' || c == ']' || isJsonSpace(c)) {
            return true;
        }
        ++taken;
        return false;
    }
    ++taken;
    if (c == '"') {
        inString_ = true;
    } else if (c == '{' || c == '[') {
        ++depth_;
    } else if (c == '}' || c == ']') {
        // A closing bracket as the first byte ends a value of nothing but itself: never
        // well-formed.
        depth_ -= depth_ == 0 ? 0 : 1;
        return depth_ == 0;
    } else if (!started_) {
        scalar_ = true;
    }
    started_ = true;
    return false;
}

bool forEachMember(std::string_view text,
                   const std::function<void(std::string_view, std::string_view)>& visit) {
    auto at = skipSpace(text, 0);
    if (at == text.size() || text[at] != '{') {
        return false;
    }
    at = skipSpace(text, at + 1);
    if (at < text.size() && text[at] == '}') {
        return true;
    }
    while (at < text.size() && text[at] == '"') {
        const auto key = valueAt(text, at);
        at = skipSpace(text, at + key.size());
        if (key.empty() || at == text.size() || text[at] != ':') {
            return false;
        }
        at = skipSpace(text, at + 1);
        const auto value = valueAt(text, at);
        if (value.empty()) {
            return false;
        }
        visit(key.substr(1, key.size() - 2), value);
        at = skipSpace(text, at + value.size());
        if (at == text.size() || (text[at] != ',' && text[at] != '}')) {
            return false;
        }
        if (text[at] == '}') {
            return true;
        }
        at = skipSpace(text, at + 1);
    }
    return false;
}

std::optional<std::string> stringOf(std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') {
        return std::nullopt;
    }
    const auto inner = value.substr(1, value.size() - 2);
    if (inner.find('\\') == std::string_view::npos) {
        return std::string(inner);
    }
    const auto parsed = nlohmann::json::parse(value, nullptr, false);
    return parsed.is_string() ? std::optional(parsed.get<std::string>()) : std::nullopt;
}

std::optional<ObjectIdentity> identityOf(std::string_view object) {
    std::optional<ObjectIdentity> identity;
    forEachMember(object, [&](std::string_view key, std::string_view value) {
        if (key != "metadata" || value.front() != '{') {
            return;
        }
        identity.emplace();
        forEachMember(value, [&](std::string_view field, std::string_view text) {
            if (field == "name") {
                identity->name = stringOf(text).value_or("");
            } else if (field == "namespace") {
                identity->nameSpace = stringOf(text).value_or("");
            } else if (field == "resourceVersion") {
                identity->resourceVersion = stringOf(text).value_or("");
            }
        });
    });
    return identity;
}

}  // namespace evergate::controller::kubernetes
