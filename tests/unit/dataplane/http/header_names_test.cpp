// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/header_names.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/dataplane/http/head_case.hpp"

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
    {"max-forwards", HeaderName::maxForwards},
    {"authorization", HeaderName::authorization},
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

TEST(HeaderNames, UnderscoresStayGoOrAreRefused) {
    using model::HeaderUnderscores;
    const auto parsed = [] {
        return testing::parseRequest(
            "GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nX-B: 2\r\n_: 3\r\n\r\n");
    };
    auto one = parsed();
    EXPECT_TRUE(restrictUnderscores(one.head, HeaderUnderscores::allow));
    EXPECT_FALSE(one.head.fields[1].hopByHop);
    EXPECT_FALSE(restrictUnderscores(one.head, HeaderUnderscores::refuse));
    EXPECT_TRUE(restrictUnderscores(one.head, HeaderUnderscores::remove));
    EXPECT_TRUE(one.head.fields[1].hopByHop);
    EXPECT_FALSE(one.head.fields[2].hopByHop);
    EXPECT_TRUE(one.head.fields[3].hopByHop);
    auto none = testing::parseRequest("GET /a_b HTTP/1.1\r\nHost: a_b\r\nX: y_z\r\n\r\n");
    EXPECT_TRUE(restrictUnderscores(none.head, HeaderUnderscores::refuse));
}

TEST(HeaderNames, TrailersMayNotCarryFramingOrRouting) {
    for (const char* name : {"Content-Length", "TRANSFER-ENCODING", "host", "Authorization",
                             "Set-Cookie", "X-Forwarded-For", "Content-Type", "Trailer"}) {
        EXPECT_FALSE(isAllowedInTrailer(name)) << name;
    }
    EXPECT_FALSE(isAllowedInTrailer("X-SSL-Client-Verify"));
    EXPECT_FALSE(isAllowedInTrailer("x_ssl_client_subject"));
    for (const char* name : {"Grpc-Status", "Server-Timing", "Digest", "X"}) {
        EXPECT_TRUE(isAllowedInTrailer(name)) << name;
    }
}

}  // namespace
}  // namespace evergate::http
