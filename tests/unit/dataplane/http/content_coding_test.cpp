// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/content_coding.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

const std::vector<std::string> kAll{"zstd", "br", "gzip"};

std::string_view best(std::string_view header, const std::vector<std::string>& offered = kAll) {
    AcceptedCodings accepted;
    accepted.add(header);
    return name(accepted.best(offered));
}

struct Case {
    std::string_view header;
    std::string_view best;
};

TEST(ContentCoding, TakesWhatTheClientLikesBestOfWhatIsOffered) {
    for (const Case& each : std::initializer_list<Case>{
             {"gzip, deflate, br, zstd", "zstd"},  // what browsers say: our order
             {"gzip", "gzip"},
             {"GZip", "gzip"},
             {"x-gzip", "gzip"},
             {"X-GZIP;q=0.1", "gzip"},
             {"br;q=0.9, gzip", "gzip"},
             {"gzip;q=0.5, br;q=0.8, zstd;q=0.1", "br"},
             {"gzip;q=0.5,br;q=0.500", "br"},
             {"gzip;q=0.001", "gzip"},
             {"gzip ; Q=0.3 , br\t;\tq=0.2", "gzip"},
             {"*", "zstd"},
             {"*;q=0.1", "zstd"},
             {"gzip, *;q=0", "gzip"},
             {"gzip;q=0.4, *;q=0.5", "zstd"},
             {"zstd;q=0, *", "br"},
             {"deflate, compress, gzip", "gzip"},
             {",,gzip,,", "gzip"},
         }) {
        EXPECT_EQ(best(each.header), each.best) << each.header;
    }
}

TEST(ContentCoding, LeavesTheBodyAloneWhenTheClientWouldRatherHaveIt) {
    for (const std::string_view header :
         {"", "identity", "deflate", "gzip;q=0", "gzip;q=0.0, br;q=0.000, zstd;q=0.", "*;q=0",
          "identity, gzip;q=0.5", "gzip;q=0.5, identity;q=0.6, *;q=0.1", "gzipp", "gzi", "brotli",
          "identity;q=1, *;q=0"}) {
        EXPECT_EQ(best(header), "identity") << header;
    }
}

// The last resort of a client that refuses it: something else whenever there is something.
TEST(ContentCoding, TakesAnythingForAClientThatRefusesIdentity) {
    EXPECT_EQ(best("identity;q=0, gzip;q=0.001"), "gzip");
    EXPECT_EQ(best("identity;q=0, *;q=0.5"), "zstd");
    EXPECT_EQ(best("*;q=0, br;q=0.2"), "br");
    EXPECT_EQ(best("identity;q=0"), "identity");  // there is nothing else it knows
    EXPECT_EQ(best("identity;q=0.5, gzip;q=0.5"), "gzip");
}

TEST(ContentCoding, ElementsAgainstTheGrammarCountForNothing) {
    for (const std::string_view header :
         {"gzip;q=",   "gzip;q=2",     "gzip;q=1.1", "gzip;q=1.001", "gzip;q=0.0001",
          "gzip;q=.5", "gzip;q=-1",    "gzip;q=+1",  "gzip;q=1e0",   "gzip;q=a",
          "gzip;q =1", "gzip;level=9", "gzip;",      "gzip;q=1;x=y", "gzip;q=\"1\"",
          "gzip br",   "\"gzip\"",     "gzip=1",     "*;q=x",        "q=1",
          ";q=1",      "gzip;;q=1",    "gzip;q=1 1"}) {
        EXPECT_EQ(best(header), "identity") << header;
    }
    EXPECT_EQ(best("gzip;q=x, br"), "br");
    EXPECT_EQ(best("gzip;q=1., br;q=0"), "gzip");
    EXPECT_EQ(best("gzip;q=1.000"), "gzip");
}

TEST(ContentCoding, WhatIsSaidFirstCounts) {
    EXPECT_EQ(best("gzip;q=0, gzip"), "identity");
    EXPECT_EQ(best("gzip, gzip;q=0"), "gzip");
    EXPECT_EQ(best("x-gzip;q=0, gzip"), "identity");
}

TEST(ContentCoding, OffersAreTriedInTheirOrder) {
    EXPECT_EQ(best("gzip, br, zstd", {"gzip", "br", "zstd"}), "gzip");
    EXPECT_EQ(best("gzip, br, zstd", {"br"}), "br");
    EXPECT_EQ(best("br", {"gzip"}), "identity");
    EXPECT_EQ(best("*", {}), "identity");
    EXPECT_EQ(best("*", {"lzma"}), "identity");
}

TEST(ContentCoding, SeveralFieldsAddUp) {
    auto parsed = testing::parseRequest(
        "GET / HTTP/1.1\r\nHost: a\r\naccept-encoding: gzip;q=0.5\r\nAccept: br\r\n"
        "Accept-Encoding: br;q=0.6\r\n\r\n");
    ASSERT_EQ(parsed.result.status, ParseStatus::complete);
    EXPECT_EQ(acceptedCodings(parsed.head).best(kAll), ContentCoding::br);
    parsed = testing::parseRequest("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(acceptedCodings(parsed.head).best(kAll), ContentCoding::identity);
}

TEST(ContentCoding, TypesMatchWithoutTheirParameters) {
    const std::vector<std::string> types{"text/*", "application/json", "image/svg+xml"};
    for (const std::string_view type :
         {"text/html", "TEXT/HTML; charset=utf-8", "text/event-stream", "application/json",
          "application/json;charset=UTF-8", "Application/Json ; a=b", " image/svg+xml "}) {
        EXPECT_TRUE(isAmongTypes(type, types)) << type;
    }
    for (const std::string_view type :
         {"", "text", "text/", "text/;a", "textual/html", "application/jsonp", "application/jso",
          "image/png", ";text/html", "json", "*/*", "application/json, text/html"}) {
        EXPECT_FALSE(isAmongTypes(type, types)) << type;
    }
    EXPECT_TRUE(isAmongTypes("image/png", {"*/*"}));
    EXPECT_FALSE(isAmongTypes("text/html", {}));
}

}  // namespace
}  // namespace evergate::http
