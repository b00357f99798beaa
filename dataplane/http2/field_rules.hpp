// SPDX-License-Identifier: Apache-2.0
// What RFC 9113 §8.2 asks of fields in either direction, and how fields are handed to nghttp2.
// Pure.
#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http2 {

// §8.2.1: a token without upper-case letters.
inline bool isFieldName(std::string_view name) noexcept {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return http::is(c, http::kTokenChar) && !(c >= 'A' && c <= 'Z');
    });
}

// §8.2.2
constexpr bool isConnectionSpecific(http::HeaderName id) noexcept {
    using http::HeaderName;
    return id == HeaderName::connection || id == HeaderName::keepAlive ||
           id == HeaderName::proxyConnection || id == HeaderName::transferEncoding ||
           id == HeaderName::upgrade;
}

// nghttp2 copies both and changes neither.
inline nghttp2_nv nameValue(std::string_view name, std::string_view value) noexcept {
    const auto bytes = [](std::string_view text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
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
