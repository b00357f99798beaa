// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/request_target.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::http {
namespace {

// The host, or "!" and what is wrong.
std::string hostOf(std::string_view authority) {
    std::string_view host;
    const char* detail = readAuthority(authority, host);
    return detail == nullptr ? std::string(host) : std::string("!") + detail;
}

TEST(Authority, GivesItsHost) {
    EXPECT_EQ(hostOf("a.test"), "a.test");
    EXPECT_EQ(hostOf("A.test:80"), "A.test");
    EXPECT_EQ(hostOf("a:"), "a");
    EXPECT_EQ(hostOf("10.0.0.1:65535"), "10.0.0.1");
    EXPECT_EQ(hostOf("[::1]"), "[::1]");
    EXPECT_EQ(hostOf("[2001:db8::1]:8080"), "[2001:db8::1]");
    EXPECT_EQ(hostOf("a%2Db"), "a%2Db");
}

TEST(Authority, RefusesTheRest) {
    EXPECT_EQ(hostOf(""), "!empty Host");
    EXPECT_EQ(hostOf(":80"), "!empty Host");
    EXPECT_EQ(hostOf("user@a"), "!user information in Host");
    EXPECT_EQ(hostOf("a/b"), "!bad byte in Host");
    EXPECT_EQ(hostOf("a b"), "!bad byte in Host");
    EXPECT_EQ(hostOf("a%2"), "!bad byte in Host");
    EXPECT_EQ(hostOf("a:65536"), "!bad port in Host");
    EXPECT_EQ(hostOf("a:8x"), "!bad port in Host");
    EXPECT_EQ(hostOf("a:1:2"), "!bad port in Host");
    EXPECT_EQ(hostOf("[::1"), "!bad IP literal in Host");
    EXPECT_EQ(hostOf("[::g]"), "!bad IP literal in Host");
    EXPECT_EQ(hostOf("[::1]x"), "!bad IP literal in Host");
    EXPECT_EQ(hostOf("[127.0.0.1]"), "!bad IP literal in Host");
}

TEST(RequestLine, TakesAnAbsoluteTargetApart) {
    RequestHead head;
    ASSERT_FALSE(readRequestLine("GET http://a.test:81/b?c HTTP/1.1", head));
    EXPECT_EQ(head.authority, "a.test:81");
    EXPECT_EQ(head.target, "/b?c");
    EXPECT_EQ(head.path, "/b");
    ASSERT_FALSE(readRequestLine("OPTIONS http://a.test HTTP/1.1", head));
    EXPECT_EQ(head.target, "*");
}

TEST(RequestLine, NamesWhatIsWrong) {
    RequestHead head;
    EXPECT_STREQ(readRequestLine("GET", head).detail, "request line without target");
    EXPECT_STREQ(readRequestLine("GET /", head).detail, "request line without version");
    EXPECT_STREQ(readRequestLine("GET  / HTTP/1.1", head).detail,
                 "several spaces in the request line");
    EXPECT_STREQ(readRequestLine("GET /#a HTTP/1.1", head).detail, "fragment in request target");
    EXPECT_STREQ(readRequestLine("GET * HTTP/1.1", head).detail,
                 "asterisk target is for OPTIONS only");
    EXPECT_STREQ(readRequestLine("GET ftp://a/ HTTP/1.1", head).detail,
                 "request target with a foreign scheme");
    EXPECT_EQ(readRequestLine("GET / HTTP/2.0", head).error, ProxyError::unsupportedVersion);
    EXPECT_EQ(readRequestLine("CONNECT a:443 HTTP/1.1", head).error,
              ProxyError::methodNotSupported);
}

TEST(RequestLine, KnowsMethodsThatMayBeRepeated) {
    for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
        RequestHead head;
        ASSERT_FALSE(readRequestLine(std::string(method) + " / HTTP/1.1", head)) << method;
        EXPECT_TRUE(head.idempotent) << method;
    }
    for (const char* method : {"POST", "PATCH", "get", "PURGE"}) {
        RequestHead head;
        ASSERT_FALSE(readRequestLine(std::string(method) + " / HTTP/1.1", head)) << method;
        EXPECT_FALSE(head.idempotent) << method;
    }
}

}  // namespace
}  // namespace evergate::http
