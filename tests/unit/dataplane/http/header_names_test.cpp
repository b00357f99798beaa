// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/header_names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::http {
namespace {

struct Named {
    const char* text;
    HeaderName id;
};

constexpr Named kNames[] = {
    {"host", HeaderName::host},
    {"connection", HeaderName::connection},
    {"keep-alive", HeaderName::keepAlive},
    {"proxy-connection", HeaderName::proxyConnection},
    {"transfer-encoding", HeaderName::transferEncoding},
    {"content-length", HeaderName::contentLength},
    {"te", HeaderName::te},
    {"trailer", HeaderName::trailer},
    {"upgrade", HeaderName::upgrade},
    {"expect", HeaderName::expect},
    {"date", HeaderName::date},
    {"server", HeaderName::server},
    {"via", HeaderName::via},
    {"forwarded", HeaderName::forwarded},
    {"x-forwarded-for", HeaderName::xForwardedFor},
    {"x-forwarded-proto", HeaderName::xForwardedProto},
    {"x-forwarded-host", HeaderName::xForwardedHost},
    {"x-forwarded-port", HeaderName::xForwardedPort},
    {"x-request-id", HeaderName::xRequestId},
    {"proxy-authenticate", HeaderName::proxyAuthenticate},
    {"proxy-authorization", HeaderName::proxyAuthorization},
    {"cookie", HeaderName::cookie},
    {"set-cookie", HeaderName::setCookie},
    {"http2-settings", HeaderName::http2Settings},
    {"proxy", HeaderName::proxy},
    {"x-real-ip", HeaderName::xRealIp},
};

TEST(HeaderNames, AreFoundInAnyCase) {
    for (const Named& named : kNames) {
        std::string upper = named.text;
        for (char& c : upper) {
            c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
        }
        EXPECT_EQ(headerNameOf(named.text), named.id) << named.text;
        EXPECT_EQ(headerNameOf(upper), named.id) << upper;
    }
}

// Any other token of the same length is another name, one byte away or not.
TEST(HeaderNames, AreNotFoundOneByteAway) {
    constexpr std::string_view kTokens =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (const Named& named : kNames) {
        const std::string text = named.text;
        for (std::size_t i = 0; i < text.size(); ++i) {
            for (const char c : kTokens) {
                std::string other = text;
                other[i] = c;
                if ((c | 0x20) != text[i] || (c != text[i] && (c < 'A' || c > 'Z'))) {
                    EXPECT_NE(headerNameOf(other), named.id) << other;
                }
            }
        }
        EXPECT_NE(headerNameOf(text + "x"), named.id);
        EXPECT_NE(headerNameOf(text.substr(1)), named.id);
    }
}

TEST(HeaderNames, TrailersMayNotCarryFramingOrRouting) {
    for (const char* name : {"Content-Length", "TRANSFER-ENCODING", "host", "Authorization",
                             "Set-Cookie", "X-Forwarded-For", "Content-Type", "Trailer"}) {
        EXPECT_FALSE(isAllowedInTrailer(name)) << name;
    }
    for (const char* name : {"Grpc-Status", "Server-Timing", "Digest", "X"}) {
        EXPECT_TRUE(isAllowedInTrailer(name)) << name;
    }
}

}  // namespace
}  // namespace evergate::http
