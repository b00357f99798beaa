// SPDX-License-Identifier: Apache-2.0
// The address of a responder comes from whoever may write a Secret: what is not plainly one is
// none.
#include "dataplane/ocsp/responder.hpp"

#include <gtest/gtest.h>

namespace evergate::ocsp {
namespace {

TEST(ParseResponder, TakesWhatAuthoritiesWrite) {
    EXPECT_EQ(parseResponder("http://ocsp.example.com"),
              (Responder{"ocsp.example.com", 80, "/", "ocsp.example.com"}));
    EXPECT_EQ(parseResponder("http://OCSP.Example.com:8080/a/b?c=d&e"),
              (Responder{"ocsp.example.com", 8080, "/a/b?c=d&e", "ocsp.example.com:8080"}));
    EXPECT_EQ(parseResponder("http://10.0.0.1/x"), (Responder{"10.0.0.1", 80, "/x", "10.0.0.1"}));
    EXPECT_EQ(parseResponder("http://[2001:DB8::1]:81"),
              (Responder{"2001:db8::1", 81, "/", "[2001:db8::1]:81"}));
    EXPECT_EQ(parseResponder("http://a.b:80?q"), (Responder{"a.b", 80, "/?q", "a.b"}));
}

TEST(ParseResponder, RefusesEverythingElse) {
    for (const std::string url : {"",
                                  "https://a.b/",
                                  "ldap://a.b/",
                                  "HTTP://a.b/",
                                  "http:/a.b/",
                                  "http://",
                                  "http:///x",
                                  "http://user@a.b/",
                                  "http://user:pass@a.b/",
                                  "http://a.b:0/",
                                  "http://a.b:65536/",
                                  "http://a.b:8x/",
                                  "http://a.b:80:80/",
                                  "http://a b/",
                                  "http://a_b/",
                                  "http://.a/",
                                  "http://-a/",
                                  "http://a.b/\r\nHost: c",
                                  "http://a.b/ HTTP/1.1",
                                  "http://a.b/#c",
                                  "http://a.b\\c/",
                                  "http://%61.b/",
                                  "http://[::1/",
                                  "http://[a.b]/",
                                  "http://::1/",
                                  "http://[fe80::1%25eth0]/",
                                  "http://[fe80::1%eth0]/",
                                  "http://[10.0.0.1]/",
                                  "http://2130706433/",
                                  "http://0x7f.1/",
                                  "http://127.1/",
                                  "http://010.0.0.1/",
                                  "http://a.1/",
                                  "http://a.1./",
                                  "http://\xc3\xa4.b/",
                                  "http://[]/",
                                  "http://:80/"}) {
        EXPECT_EQ(parseResponder(url), std::nullopt) << url;
    }
    EXPECT_EQ(parseResponder("http://a.b/" + std::string(1'100, 'x')), std::nullopt);
    EXPECT_EQ(parseResponder("http://" + std::string(300, 'a') + "/"), std::nullopt);
    EXPECT_EQ(parseResponder(std::string("http://a.b/\0c", 13)), std::nullopt);
}

TEST(IsPublic, OnlyTheInternetIs) {
    const auto isPublicText = [](const char* text) {
        return isPublic(boost::asio::ip::make_address(text));
    };
    for (const char* text : {"1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "100.63.0.1",
                             "223.255.255.1", "2606:4700::1", "2a00:1450::1"}) {
        EXPECT_TRUE(isPublicText(text)) << text;
    }
    for (
        const char* text :
        {"0.0.0.0",        "10.1.2.3",        "100.64.0.1",      "127.0.0.1",    "169.254.169.254",
         "172.16.0.1",     "172.31.255.255",  "192.168.1.1",     "192.0.0.8",    "198.18.0.1",
         "203.0.113.9",    "224.0.0.1",       "255.255.255.255", "::",           "::1",
         "::ffff:1.1.1.1", "::ffff:10.0.0.1", "fe80::1",         "fd00::1",      "ff02::1",
         "64:ff9b::a00:1", "2001:db8::1",     "2001::1",         "2002:a00:1::", "fd00:ec2::254"}) {
        EXPECT_FALSE(isPublicText(text)) << text;
    }
}

TEST(Allows, ByScope) {
    const auto inside = boost::asio::ip::make_address("10.0.0.1");
    const auto outside = boost::asio::ip::make_address("1.1.1.1");
    EXPECT_TRUE(allows(Scope::publicOnly, outside));
    EXPECT_FALSE(allows(Scope::publicOnly, inside));
    EXPECT_TRUE(allows(Scope::any, inside));
    EXPECT_FALSE(allows(Scope::off, outside));
    EXPECT_TRUE(allows(Scope::publicOnly, 80));
    EXPECT_FALSE(allows(Scope::publicOnly, 443));
    EXPECT_TRUE(allows(Scope::any, 8'080));
    EXPECT_FALSE(allows(Scope::off, 80));
}

}  // namespace
}  // namespace evergate::ocsp
