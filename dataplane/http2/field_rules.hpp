// SPDX-License-Identifier: Apache-2.0
// What RFC 9113 §8.2 asks of fields in either direction. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http2 {

// §8.2.1: a token without upper-case letters.
inline bool isFieldName(std::string_view name) noexcept {
    return !name.empty() && http::allAre(name, http::kLowerTokenChar);
}

// §8.2.1: no control byte but HTAB, no space or HTAB at either end. Eight bytes at a time; those in
// which something may be wrong are looked at one by one.
inline bool isFieldValue(std::string_view value) noexcept {
    if (!value.empty() && (http::isOws(value.front()) || http::isOws(value.back())))
        return false;
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    while (value.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, value.data(), sizeof word);
        const std::uint64_t del = word ^ 0x7f * kOnes;
        const std::uint64_t found = ((word - 0x20 * kOnes) & ~word) | ((del - kOnes) & ~del);
        if ((found & 0x80 * kOnes) != 0 && !http::allAre(value.substr(0, 8), http::kValueChar))
            return false;
        value.remove_prefix(8);
    }
    return http::allAre(value, http::kValueChar);
}

// "name: value\r\n"
inline void appendField(std::string_view name, std::string_view value, std::string& out) {
    const std::size_t before = out.size();
    out.resize(before + name.size() + value.size() + 4);
    char* at = out.data() + before;
    at = std::copy(name.begin(), name.end(), at);
    *at++ = ':';
    *at++ = ' ';
    at = std::copy(value.begin(), value.end(), at);
    *at++ = '\r';
    *at = '\n';
}

inline http::FieldPlace placeOf(http::HeaderName id, std::string_view name,
                                std::string_view value) noexcept {
    return {id, static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(value.size())};
}

// §8.2.2
constexpr bool isConnectionSpecific(http::HeaderName id) noexcept {
    using http::HeaderName;
    return id == HeaderName::connection || id == HeaderName::keepAlive ||
           id == HeaderName::proxyConnection || id == HeaderName::transferEncoding ||
           id == HeaderName::upgrade;
}

// visit(name, value) for every "Name: value\r\n" of a trailer section as ChunkedDecoder::trailers()
// has it.
template <typename Visit>
void forEachTrailer(std::string_view section, Visit&& visit) {
    while (!section.empty()) {
        const std::size_t end = section.find("\r\n");
        const std::string_view line = section.substr(0, end);
        section.remove_prefix(end == std::string_view::npos ? section.size() : end + 2);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos)
            visit(line.substr(0, colon), http::trimOws(line.substr(colon + 1)));
    }
}

}  // namespace evergate::http2
