// SPDX-License-Identifier: Apache-2.0
// Bytes as hexadecimal digits in lower case, and back. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace evergate::model {

// Of any range of one-byte values: an array, a span, a string.
template <typename Bytes>
std::string hexOf(const Bytes& bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text += kDigits[static_cast<std::uint8_t>(byte) >> 4U];
        text += kDigits[static_cast<std::uint8_t>(byte) & 15U];
    }
    return text;
}

// Into all of `bytes`; false: `text` is not their hexOf().
template <typename Bytes>
bool readHex(std::string_view text, Bytes& bytes) {
    if (text.size() != bytes.size() * 2) {
        return false;
    }
    const auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = static_cast<typename Bytes::value_type>(high * 16 + low);
    }
    return true;
}

}  // namespace evergate::model
