// SPDX-License-Identifier: Apache-2.0
// Which bytes may stand where in an HTTP/1.1 message (RFC 9110 §5, RFC 9112 §2, RFC 3986), as one
// table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace evergate::http {

enum CharacterClass : std::uint8_t {
    kTokenChar = 1,   // tchar: methods, field names, list elements
    kTargetChar = 2,  // request target: visible ASCII without '#'
    kHostChar = 4,    // reg-name without its percent escapes
    kValueChar = 8,   // field value: HTAB, SP, visible ASCII, obs-text
    kDigit = 16,
    kHexDigit = 32,
    kLowerTokenChar = 64,  // tchar but upper-case letters: field names in HTTP/2
};

constexpr std::array<std::uint8_t, 256> makeCharacterClasses() {
    std::array<std::uint8_t, 256> table{};
    const auto add = [&table](std::string_view chars, int classes) {
        for (const char c : chars) {
            table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(classes);
        }
    };
    for (int c = 0x21; c <= 0x7e; ++c) {
        table[static_cast<std::size_t>(c)] = c == '#' ? kValueChar : kValueChar | kTargetChar;
    }
    for (std::size_t c = 0x80; c <= 0xff; ++c) {
        table[c] = kValueChar;
    }
    add("\t ", kValueChar);
    add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", kTokenChar | kHostChar);
    add("!#$%&'*+-.^_`|~", kTokenChar | kLowerTokenChar);
    add("abcdefghijklmnopqrstuvwxyz0123456789", kLowerTokenChar);
    add("-._~!$&'()*+,;=", kHostChar);
    add("0123456789", kDigit | kHexDigit);
    add("abcdefABCDEF", kHexDigit);
    return table;
}

inline constexpr std::array<std::uint8_t, 256> kCharacterClasses = makeCharacterClasses();

constexpr bool is(char c, CharacterClass wanted) noexcept {
    return (kCharacterClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

constexpr bool allAre(std::string_view text, CharacterClass wanted) noexcept {
    for (const char c : text) {
        if (!is(c, wanted)) {
            return false;
        }
    }
    return true;
}

// Value of a hexadecimal digit; the caller has checked kHexDigit.
constexpr unsigned hexValue(char c) noexcept {
    return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a') + 10;
}

constexpr bool isOws(char c) noexcept {
    return c == ' ' || c == '\t';
}

constexpr std::string_view trimOws(std::string_view text) noexcept {
    while (!text.empty() && isOws(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && isOws(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

constexpr char toLower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (toLower(a[i]) != toLower(b[i])) {
            return false;
        }
    }
    return true;
}

}  // namespace evergate::http
