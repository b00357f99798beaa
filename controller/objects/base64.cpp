// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/base64.hpp"

#include <cstddef>
#include <cstdint>

namespace evergate::controller {
namespace {

constexpr std::uint32_t kNone = 64;

std::uint32_t sextet(char c) noexcept {
    if (c >= 'A' && c <= 'Z') {
        return static_cast<std::uint32_t>(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return static_cast<std::uint32_t>(c - 'a' + 26);
    }
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint32_t>(c - '0' + 52);
    }
    return c == '+' ? 62 : c == '/' ? 63 : kNone;
}

}  // namespace

std::optional<std::string> decodeBase64(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    std::size_t digits = 0;  // padding too
    std::size_t padding = 0;
    for (const char c : text) {
        if (c == '\n' || c == '\r') {
            continue;
        }
        const std::uint32_t value = c == '=' ? 0 : sextet(c);
        if (value == kNone || (c != '=' && padding > 0)) {
            return std::nullopt;
        }
        padding += c == '=' ? 1 : 0;
        group = (group << 6) | value;
        if (++digits % 4 == 0) {
            bytes += {static_cast<char>(group >> 16), static_cast<char>(group >> 8),
                      static_cast<char>(group)};
            group = 0;
        }
    }
    if (digits % 4 != 0 || padding > 2) {
        return std::nullopt;
    }
    for (; padding > 0; --padding) {
        if (bytes.back() != '\0') {
            return std::nullopt;
        }
        bytes.pop_back();
    }
    return bytes;
}

}  // namespace evergate::controller
