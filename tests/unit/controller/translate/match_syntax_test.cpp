// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/match_syntax.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

std::string host(std::string_view text) {
    auto parsed = parseHost(text);
    return parsed.index() == 0 ? std::get<0>(parsed) : "error";
}

std::string path(std::string_view type, std::string_view text) {
    auto parsed = parsePath(type, text);
    return parsed.index() == 0 ? std::get<0>(parsed).path : "error";
}

TEST(MatchSyntax, LowersHosts) {
    EXPECT_EQ(host(""), "");
    EXPECT_EQ(host("Shop.Example.COM"), "shop.example.com");
    EXPECT_EQ(host("*.Example.com"), "*.example.com");
}

TEST(MatchSyntax, RefusesHostsTheServerRefuses) {
    for (const char* text :
         {"*", "*.", "a.*.com", "*a.com", "a.com.", "a..b", "a.com:80", "10.0.0.1", "[::1]", "a b",
          "-a.com", "a_b.com", "a/b", "*.10.0.0.1"}) {
        EXPECT_EQ(host(text), "error") << text;
    }
    EXPECT_EQ(host(std::string(254, 'a')), "error");
}

TEST(MatchSyntax, DropsTheTrailingSlashOfAPrefixOnly) {
    EXPECT_EQ(path("Prefix", "/foo/"), "/foo");
    EXPECT_EQ(path("Prefix", "/"), "/");
    EXPECT_EQ(path("Exact", "/foo/"), "/foo/");
    EXPECT_EQ(path("ImplementationSpecific", "/foo/"), "/foo/");
    EXPECT_EQ(path("ImplementationSpecific", ""), "/");
}

TEST(MatchSyntax, RefusesPathsThatNeverMatch) {
    for (const char* text : {"", "foo", "/a//b", "/a/./b", "/a/../b", "/a/..", "/a/.", "/a%2fb",
                             "/a b", "/a?b", "/a#b", "/a\nb", "/a\x7f"}) {
        EXPECT_EQ(path("Prefix", text), "error") << text;
        EXPECT_EQ(path("Exact", text), "error") << text;
    }
    EXPECT_EQ(path("Prefix", "/" + std::string(5000, 'a')), "error");
    EXPECT_EQ(path("ImplementationSpecific", "/a//b"), "/a//b");
    EXPECT_EQ(path("", "/"), "error");
    EXPECT_EQ(path("prefix", "/"), "error");
}

TEST(MatchSyntax, EncodesWhatIsNotAscii) {
    EXPECT_EQ(path("Prefix", "/\xc3\xa4"), "/%C3%A4");
}

}  // namespace
}  // namespace evergate::controller
