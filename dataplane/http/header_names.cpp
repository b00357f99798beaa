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

HeaderName firstOf(const char*) noexcept {
    return HeaderName::other;
}

// The id behind the first literal that `name` is; all have the length of `name`.
template <std::size_t N, typename... More>
HeaderName firstOf(const char* name, const char (&literal)[N], HeaderName id,
                   const More&... more) noexcept {
    return matches(name, literal) ? id : firstOf(name, more...);
}

}  // namespace

HeaderName headerNameOf(std::string_view name) noexcept {
    using enum HeaderName;
    const char* at = name.data();
    switch (name.size()) {
        case 2:
            return firstOf(at, "te", te);
        case 3:
            return firstOf(at, "via", via);
        case 4:
            return firstOf(at, "host", host, "date", date);
        case 5:
            return firstOf(at, "proxy", proxy);
        case 6:
            return firstOf(at, "cookie", cookie, "expect", expect, "server", server);
        case 7:
            return firstOf(at, "upgrade", upgrade, "trailer", trailer);
        case 9:
            return firstOf(at, "forwarded", forwarded, "x-real-ip", xRealIp);
        case 10:
            return firstOf(at, "connection", connection, "keep-alive", keepAlive, "set-cookie",
                           setCookie);
        case 12:
            return firstOf(at, "content-type", contentType, "x-request-id", xRequestId,
                           "grpc-timeout", grpcTimeout, "max-forwards", maxForwards);
        case 13:
            return firstOf(at, "authorization", authorization);
        case 14:
            return firstOf(at, "content-length", contentLength, "http2-settings", http2Settings);
        case 15:
            return firstOf(at, "x-forwarded-for", xForwardedFor);
        case 16:
            return firstOf(at, "x-forwarded-host", xForwardedHost, "x-forwarded-port",
                           xForwardedPort, "proxy-connection", proxyConnection);
        case 17:
            return firstOf(at, "transfer-encoding", transferEncoding, "x-forwarded-proto",
                           xForwardedProto);
        case 18:
            return firstOf(at, "proxy-authenticate", proxyAuthenticate);
        case 19:
            return firstOf(at, "proxy-authorization", proxyAuthorization);
        default:
            return other;
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
    static constexpr std::uint32_t kLengths = [] {
        std::uint32_t lengths = 0;
        for (const std::string_view forbidden : kForbidden) {
            lengths |= 1U << forbidden.size();
        }
        return lengths;
    }();
    if (isClientIdentity(name)) {
        return false;
    }
    if (name.size() >= 32 || (kLengths >> name.size() & 1U) == 0) {
        return true;
    }
    return std::none_of(kForbidden.begin(), kForbidden.end(), [name](std::string_view forbidden) {
        return name.size() == forbidden.size() && equalsIgnoreCase(name, forbidden);
    });
}

bool isClientIdentity(std::string_view name) noexcept {
    static constexpr std::string_view kPrefix = "x-ssl-client-";
    return name.size() > kPrefix.size() &&
           std::equal(kPrefix.begin(), kPrefix.end(), name.begin(), [](char wanted, char c) {
               return c == wanted || (wanted == '-' ? c == '_' : (c | 0x20) == wanted);
           });
}

bool hasUnderscore(std::string_view name) noexcept {
    return name.find('_') != std::string_view::npos;
}

bool restrictUnderscores(RequestHead& head, model::HeaderUnderscores rule) noexcept {
    if (rule == model::HeaderUnderscores::allow) {
        return true;
    }
    for (HeaderField& field : head.fields) {
        if (hasUnderscore(field.name)) {
            if (rule == model::HeaderUnderscores::refuse) {
                return false;
            }
            field.hopByHop = true;
        }
    }
    return true;
}

}  // namespace evergate::http
