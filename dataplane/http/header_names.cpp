// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/header_names.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/http/character_classes.hpp"

namespace evergate::http {

namespace {

template <typename Word>
Word load(const char* at) noexcept {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

template <typename Word>
constexpr Word kCaseBits = static_cast<Word>(0x2020202020202020ULL);

// Compares N-1 token bytes with a lower-case literal, eight at a time; the last word overlaps.
// Setting bit 0x20 folds case and maps no other token character onto a letter, digit or '-'.
template <std::size_t N>
bool matches(const char* name, const char (&literal)[N]) noexcept {
    constexpr std::size_t kSize = N - 1;
    if constexpr (kSize >= 8) {
        using Word = std::uint64_t;
        Word difference = 0;
        for (std::size_t i = 0; i + 8 <= kSize; i += 8) {
            difference |= (load<Word>(name + i) | kCaseBits<Word>)^load<Word>(literal + i);
        }
        difference |=
            (load<Word>(name + kSize - 8) | kCaseBits<Word>)^load<Word>(literal + kSize - 8);
        return difference == 0;
    } else if constexpr (kSize >= 4) {
        using Word = std::uint32_t;
        return (((load<Word>(name) | kCaseBits<Word>)^load<Word>(literal)) |
                ((load<Word>(name + kSize - 4) |
                  kCaseBits<Word>)^load<Word>(literal + kSize - 4))) == 0;
    } else {
        for (std::size_t i = 0; i < kSize; ++i) {
            if ((name[i] | 0x20) != literal[i]) {
                return false;
            }
        }
        return true;
    }
}

HeaderName longName(std::string_view name) noexcept {
    const char* at = name.data();
    switch (name.size()) {
        case 14:
            return matches(at, "content-length")   ? HeaderName::contentLength
                   : matches(at, "http2-settings") ? HeaderName::http2Settings
                                                   : HeaderName::other;
        case 15:
            return matches(at, "x-forwarded-for") ? HeaderName::xForwardedFor : HeaderName::other;
        case 16:
            return matches(at, "x-forwarded-host")   ? HeaderName::xForwardedHost
                   : matches(at, "x-forwarded-port") ? HeaderName::xForwardedPort
                   : matches(at, "proxy-connection") ? HeaderName::proxyConnection
                                                     : HeaderName::other;
        case 17:
            return matches(at, "transfer-encoding")   ? HeaderName::transferEncoding
                   : matches(at, "x-forwarded-proto") ? HeaderName::xForwardedProto
                                                      : HeaderName::other;
        case 18:
            return matches(at, "proxy-authenticate") ? HeaderName::proxyAuthenticate
                                                     : HeaderName::other;
        case 19:
            return matches(at, "proxy-authorization") ? HeaderName::proxyAuthorization
                                                      : HeaderName::other;
        default:
            return HeaderName::other;
    }
}

}  // namespace

HeaderName headerNameOf(std::string_view name) noexcept {
    const char* at = name.data();
    switch (name.size()) {
        case 2:
            return matches(at, "te") ? HeaderName::te : HeaderName::other;
        case 3:
            return matches(at, "via") ? HeaderName::via : HeaderName::other;
        case 4:
            return matches(at, "host")   ? HeaderName::host
                   : matches(at, "date") ? HeaderName::date
                                         : HeaderName::other;
        case 5:
            return matches(at, "proxy") ? HeaderName::proxy : HeaderName::other;
        case 6:
            return matches(at, "cookie")   ? HeaderName::cookie
                   : matches(at, "expect") ? HeaderName::expect
                   : matches(at, "server") ? HeaderName::server
                                           : HeaderName::other;
        case 7:
            return matches(at, "upgrade")   ? HeaderName::upgrade
                   : matches(at, "trailer") ? HeaderName::trailer
                                            : HeaderName::other;
        case 9:
            return matches(at, "forwarded")   ? HeaderName::forwarded
                   : matches(at, "x-real-ip") ? HeaderName::xRealIp
                                              : HeaderName::other;
        case 10:
            return matches(at, "connection")   ? HeaderName::connection
                   : matches(at, "keep-alive") ? HeaderName::keepAlive
                   : matches(at, "set-cookie") ? HeaderName::setCookie
                                               : HeaderName::other;
        case 12:
            return matches(at, "x-request-id") ? HeaderName::xRequestId : HeaderName::other;
        default:
            return name.size() >= 14 ? longName(name) : HeaderName::other;
    }
}

bool isHopByHop(HeaderName id) noexcept {
    switch (id) {
        case HeaderName::connection:
        case HeaderName::keepAlive:
        case HeaderName::proxyConnection:
        case HeaderName::transferEncoding:
        case HeaderName::te:
        case HeaderName::upgrade:
        case HeaderName::http2Settings:
        case HeaderName::proxyAuthenticate:
        case HeaderName::proxyAuthorization:
        case HeaderName::proxy:
            return true;
        default:
            return false;
    }
}

bool isAllowedInTrailer(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 42> kForbidden = {
        // framing, connection, routing
        "content-length", "transfer-encoding", "trailer", "te", "host", "connection", "keep-alive",
        "upgrade", "proxy-connection", "http2-settings", "proxy",
        // who it came from
        "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port",
        "x-forwarded-proto", "x-real-ip",
        // request modifiers and conditions
        "cache-control", "expect", "max-forwards", "pragma", "range", "if-match", "if-none-match",
        "if-modified-since", "if-unmodified-since", "if-range",
        // authentication and state
        "authorization", "proxy-authenticate", "proxy-authorization", "www-authenticate", "cookie",
        "set-cookie",
        // content and response control
        "content-encoding", "content-type", "content-range", "age", "date", "expires", "location",
        "vary"};
    return std::none_of(kForbidden.begin(), kForbidden.end(), [name](std::string_view forbidden) {
        return equalsIgnoreCase(name, forbidden);
    });
}

}  // namespace evergate::http
