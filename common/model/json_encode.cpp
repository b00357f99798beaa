// SPDX-License-Identifier: Apache-2.0
// Writes text directly: building a document first would cost several times the rest of a rebuild.
#include <charconv>

#include "common/model/fields.hpp"
#include "common/model/json.hpp"

namespace evergate::model {
namespace {

template <typename T>
const T& defaultsOf() {
    static const T value{};
    return value;
}

void append(std::string& out, std::string_view text) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    out.push_back('"');
    std::size_t done = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        out.append(text, done, i - done);
        done = i + 1;
        if (byte < 0x20) {
            out.append("\\u00").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 0xF]);
        } else {
            out.append(1, '\\').append(1, static_cast<char>(byte));
        }
    }
    out.append(text, done).push_back('"');
}

void append(std::string& out, const std::string& text) {
    append(out, std::string_view(text));
}

void append(std::string& out, bool value) {
    out.append(value ? "true" : "false");
}

template <typename Number>
requires std::is_integral_v<Number>

void append(std::string& out, Number number) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append(std::string& out, std::chrono::milliseconds duration) {
    append(out, static_cast<std::int64_t>(duration.count()));
}

template <typename Enum>
requires std::is_enum_v<Enum>

void append(std::string& out, Enum value) {
    append(out, EnumNames<Enum>::kNames.at(static_cast<std::size_t>(value)));
}

void append(std::string& out, ClientHttp2 value) {
    if (value == ClientHttp2::only) {
        return append(out, EnumNames<ClientHttp2>::kOnly);
    }
    append(out, value == ClientHttp2::on);
}

template <typename T>
requires std::is_class_v<T>
void appendObject(std::string& out, const T& value);

template <typename T>
requires kIsNested<T>

void append(std::string& out, const T& nested) {
    appendObject(out, nested);
}

template <typename T>
void append(std::string& out, const std::vector<T>& items) {
    out.push_back('[');
    for (const T& item : items) {
        if (&item != items.data()) {
            out.push_back(',');
        }
        append(out, item);
    }
    out.push_back(']');
}

template <typename T>
requires std::is_class_v<T>

void appendObject(std::string& out, const T& value) {
    const T& defaults = defaultsOf<T>();
    out.push_back('{');
    bool first = true;
    Fields<T>::each([&](std::string_view field, auto member) {
        if (value.*member == defaults.*member) {
            return;
        }
        if (!first) {
            out.push_back(',');
        }
        first = false;
        out.append(1, '"').append(field).append("\":");
        append(out, value.*member);
    });
    out.push_back('}');
}

}  // namespace

std::string encode(const Value& value) {
    std::string out;
    if (const auto* endpoints = std::get_if<Endpoints>(&value)) {
        out.reserve(32 + endpoints->endpoints.size() * 48);
    } else {
        out.reserve(256);
    }
    std::visit([&](const auto& alternative) { appendObject(out, alternative); }, value);
    return out;
}

std::string encodeKey(const Key& key) {
    return toText(key);
}

}  // namespace evergate::model
