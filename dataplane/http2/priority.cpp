// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/priority.hpp"

#include "dataplane/http/character_classes.hpp"

namespace evergate::http2 {
namespace {

// Up to `mark`, unless it stands in a string.
std::string_view cut(std::string_view& text, char mark) noexcept {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < text.size() && (quoted || text[end] != mark); ++end) {
        if (text[end] == '"') {
            quoted = !quoted;
        } else if (quoted && text[end] == '\\') {
            ++end;
        }
    }
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(part.size() < text.size() ? part.size() + 1 : text.size());
    return part;
}

// Of two members the last counts (RFC 8941 §3.2), also where it says nothing.
void apply(std::string_view key, std::string_view value, bool hasValue, Priority& into) noexcept {
    if (key == "u") {
        const bool good = value.size() == 1 && value[0] >= '0' && value[0] <= '7';
        into.urgency = good ? static_cast<std::uint8_t>(value[0] - '0') : Priority().urgency;
    } else if (key == "i") {
        into.incremental = !hasValue || value == "?1";
    }
}

}  // namespace

Priority parsePriority(std::string_view value) noexcept {
    Priority priority;
    while (!value.empty()) {
        std::string_view member = cut(value, ',');
        std::string_view item = cut(member, ';');  // without parameters
        const std::size_t size = item.size();
        const std::string_view key = cut(item, '=');
        apply(http::trimOws(key), http::trimOws(item), key.size() != size, priority);
    }
    return priority;
}

}  // namespace evergate::http2
