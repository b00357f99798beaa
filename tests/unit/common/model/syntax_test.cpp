// SPDX-License-Identifier: Apache-2.0
#include "common/model/syntax.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::model {
namespace {

TEST(Syntax, LowerCaseIsOfAsciiOnly) {
    EXPECT_EQ(lowerCase("AZaz09-@[\xc3\x84"), "azaz09-@[\xc3\x84");
    EXPECT_EQ(lowerCase(""), "");
}

TEST(Syntax, HostNamesAreLowerCaseLabels) {
    const std::string label63(63, 'a');
    const std::string long253 =
        label63 + '.' + label63 + '.' + label63 + '.' + std::string(61, 'b');
    for (const std::string& good :
         {std::string("a"), std::string("a-b.c0"), std::string("10.0.0.1"),
          std::string("xn--bcher-kva.example"), label63, long253}) {
        EXPECT_TRUE(isHostName(good, false)) << good;
    }
    for (const std::string& bad :
         {std::string(), std::string("."), std::string("a."), std::string(".a"),
          std::string("a..b"), std::string("A"), std::string("-a"), std::string("a-"),
          std::string("a_b"), std::string("a b"), std::string("a:80"), std::string("*"),
          std::string("*."), std::string("a.*"), std::string("*.*.a"), label63 + 'a', long253 + 'b',
          std::string("\xc3\xa9"), std::string("a\0", 2)}) {
        EXPECT_FALSE(isHostName(bad, true)) << bad;
    }
}

TEST(Syntax, WildcardsAreAllowedWhereAskedFor) {
    EXPECT_TRUE(isHostName("*.example.com", true));
    EXPECT_FALSE(isHostName("*.example.com", false));
}

TEST(Syntax, KnowsFamiliesAndUnspecifiedAddresses) {
    EXPECT_EQ(ipFamily("10.0.0.1"), AddressFamily::ipv4);
    EXPECT_EQ(ipFamily("fd00::1"), AddressFamily::ipv6);
    EXPECT_FALSE(ipFamily("example.com"));
    EXPECT_TRUE(isUnspecifiedAddress("0.0.0.0"));
    EXPECT_TRUE(isUnspecifiedAddress("0:0::0"));
    EXPECT_FALSE(isUnspecifiedAddress("::1"));
    EXPECT_FALSE(isUnspecifiedAddress(""));
}

TEST(Syntax, AuthoritiesAreHostsWithOrWithoutPort) {
    for (const char* text :
         {"a", "A.b", "a.b:1", "10.0.0.1", "10.0.0.1:65535", "[::1]", "[2001:db8::1]:80"}) {
        EXPECT_TRUE(isAuthority(text)) << text;
    }
    for (const char* text : {"", ":80", "a:", "a:0", "a:65536", "a:80x", "::1", "[::1", "[::1]80",
                             "[10.0.0.1]", "[a]", "a b", "a\r\nb", "user@a", "*.a", "a/b", "[]"}) {
        EXPECT_FALSE(isAuthority(text)) << text;
    }
}

TEST(Syntax, DisplayTextIsUtf8WithoutControls) {
    for (const char* good : {"", "Ingress shop/cart", "é€😀", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(isDisplayText(good)) << good;
    }
    for (const char* bad : {"\t", "\x7f", "\x1b[31m", "\xc2\x9b", "\x80", "\xc3", "\xc0\xaf",
                            "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1"}) {
        EXPECT_FALSE(isDisplayText(bad)) << bad;
    }
}

TEST(Syntax, TokensAreLowerCase) {
    EXPECT_TRUE(isLowerCaseToken("x-user_id"));
    EXPECT_FALSE(isLowerCaseToken("X-User"));
    EXPECT_FALSE(isLowerCaseToken("x user"));
    EXPECT_FALSE(isLowerCaseToken("x:"));
    EXPECT_FALSE(isLowerCaseToken(""));
    EXPECT_FALSE(isLowerCaseToken(std::string(257, 'a')));
}

TEST(Syntax, HeaderValues) {
    for (const char* good : {"", "a", "max-age=1; includeSubDomains", "a\tb", "\"quoted\""})
        EXPECT_TRUE(isHeaderValue(good)) << good;
    for (const char* bad : {" a", "a ", "\ta", "a\r\nX: y", "a\nb", "caf\xc3\xa9", "\x7f", "\x01"})
        EXPECT_FALSE(isHeaderValue(bad)) << bad;
    EXPECT_FALSE(isHeaderValue(std::string_view("a\0b", 3)));
    EXPECT_TRUE(isHeaderValue(std::string(4096, 'a')));
    EXPECT_FALSE(isHeaderValue(std::string(4097, 'a')));
}

TEST(Syntax, HeadersThatFrameAMessageAreNotEditable) {
    for (const char* ours : {"connection", "content-length", "transfer-encoding", "host", "te",
                             "trailer", "upgrade", "keep-alive", "proxy-connection", "expect"})
        EXPECT_FALSE(isEditableHeader(ours)) << ours;
    for (const char* free : {"x-forwarded-for", "server", "date", "authorization", "x-a"})
        EXPECT_TRUE(isEditableHeader(free)) << free;
}

TEST(Syntax, RewritePrefixes) {
    for (const char* good : {"/", "/a", "/a/", "/a/b", "/.well-known", "/a/..b", "/%2e"})
        EXPECT_TRUE(isRewritePrefix(good)) << good;
    for (const char* bad : {"", "a", "//", "//a", "/a//", "/a//b", "/./a", "/a/.", "/a/..", "/../a",
                            "/a?b", "/a#b", "/a b"})
        EXPECT_FALSE(isRewritePrefix(bad)) << bad;
}

}  // namespace
}  // namespace evergate::model
