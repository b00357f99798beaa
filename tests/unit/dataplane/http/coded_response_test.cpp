// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/coded_response.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

const std::vector<std::string> kTypes{"text/*", "application/json"};

class CodedResponse : public ::testing::Test {
protected:
    CodingPlan plan(std::string_view status, std::string_view fields) {
        parsed = testing::parseResponse(
            "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) + "\r\n", head);
        EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        return planCoding(parsed.head, {kTypes, 100, coding, head, weakTagHeld}, edits);
    }

    CodingPlan plan(std::string_view fields) { return plan("200 OK", fields); }

    // The head the client gets.
    std::string sent(std::string_view status, std::string_view fields) {
        const CodingPlan what = plan(status, fields);
        std::string text;
        applyPlan(what, coding, edits, parsed.head, text);
        HeadEdits all = edits;
        all.more = text;
        ResponseFacts facts;
        facts.framing = what == CodingPlan::code && !head ? Framing::chunked : parsed.head.framing;
        facts.edits = &all;
        const std::size_t bound = composedSizeBound(parsed.head) + facts.added();
        std::string space(bound, '\0');
        const char* const begin =
            composeResponseBefore(parsed.head, facts, space.data() + space.size());
        return space.substr(static_cast<std::size_t>(begin - space.data()));
    }

    std::string sent(std::string_view fields) { return sent("200 OK", fields); }

    ContentCoding coding = ContentCoding::gzip;
    bool head = false;
    bool weakTagHeld = false;
    HeadEdits edits;
    testing::ParsedResponse parsed;
};

constexpr std::string_view kText = "Content-Type: text/html; charset=utf-8\r\n";

std::string text(std::string_view more) {
    return std::string(kText) + std::string(more);
}

TEST_F(CodedResponse, WhatMayBeCoded) {
    EXPECT_EQ(plan(text("Content-Length: 100\r\n")), CodingPlan::code);
    EXPECT_EQ(plan(text("Transfer-Encoding: chunked\r\n")), CodingPlan::code);
    EXPECT_EQ(plan(kText), CodingPlan::code);  // until the close
    EXPECT_EQ(plan("content-type: APPLICATION/JSON\r\n"), CodingPlan::code);
    EXPECT_EQ(plan(text("Cache-Control: private, max-age=5\r\n")), CodingPlan::code);
    for (const std::string_view status :
         {"201 Created", "202 Accepted", "203 Other", "207 Multi-Status", "400 Bad", "404 No",
          "500 Oh", "503 No"})
        EXPECT_EQ(plan(status, kText), CodingPlan::code) << status;
    coding = ContentCoding::identity;
    EXPECT_EQ(plan(kText), CodingPlan::vary);
}

TEST_F(CodedResponse, WhatStaysAsItIs) {
    EXPECT_EQ(plan(text("Content-Length: 99\r\n")), CodingPlan::none);
    EXPECT_EQ(plan("Content-Length: 1000\r\n"), CodingPlan::none);
    EXPECT_EQ(plan("Content-Type: image/png\r\n"), CodingPlan::none);
    EXPECT_EQ(plan(text("Content-Type: text/plain\r\n")), CodingPlan::none);
    for (const std::string_view field :
         {"Content-Encoding: br", "Content-Encoding: identity",
          "content-encoding:", "Cache-Control: public, No-Transform", "Content-Range: bytes 0-1/2",
          "Content-MD5: Q2hlY2s=", "Digest: sha-256=x",
          "Content-Digest: sha-256=:x:", "Repr-Digest: sha-256=:x:"})
        EXPECT_EQ(plan(text(std::string(field) + "\r\n")), CodingPlan::none) << field;
    EXPECT_EQ(plan(text("Cache-Control: public\r\nCache-Control: no-transform\r\n")),
              CodingPlan::none);
    for (const std::string_view status :
         {"204 None", "205 Reset", "206 Partial", "226 IM Used", "301 There", "304 Not", "100 Go"})
        EXPECT_EQ(plan(status, kText), CodingPlan::none) << status;
}

TEST_F(CodedResponse, ARouteThatSaysItsOwnContentEncodingHasTheLastWord) {
    const std::vector<std::string> dropped{"content-encoding"};
    edits.drop = &dropped;
    EXPECT_EQ(plan(kText), CodingPlan::none);
}

TEST_F(CodedResponse, TheHeadOfACodedResponse) {
    EXPECT_EQ(sent(text("Content-Length: 500\r\nAccept-Ranges: bytes\r\nETag: \"a\"\r\nX: y\r\n")),
              "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX: y\r\n"
              "Vary: Accept-Encoding\r\nETag: W/\"a\"\r\nContent-Encoding: gzip\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
    coding = ContentCoding::zstd;
    EXPECT_EQ(sent("ETag: W/\"a\"\r\nContent-Type: text/a\r\nTransfer-Encoding: chunked\r\n"
                   "Trailer: X-Sum\r\n"),
              "HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nContent-Type: text/a\r\nTrailer: X-Sum\r\n"
              "Vary: Accept-Encoding\r\nContent-Encoding: zstd\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
}

TEST_F(CodedResponse, WhatIsNoTagIsNotMadeOne) {
    EXPECT_EQ(sent(text("ETag: abc\r\n")).find("ETag"), std::string::npos);
}

TEST_F(CodedResponse, AnUncodedOneThatMightHaveBeenSaysSo) {
    coding = ContentCoding::identity;
    EXPECT_EQ(sent(text("Content-Length: 500\r\nAccept-Ranges: bytes\r\nETag: \"a\"\r\n")),
              "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
              "Accept-Ranges: bytes\r\nETag: \"a\"\r\nVary: Accept-Encoding\r\n"
              "Content-Length: 500\r\n\r\n");
}

TEST_F(CodedResponse, VaryIsMerged) {
    const auto vary = [&](std::string_view fields) {
        const std::string got = sent(text(fields));
        std::string all;
        for (std::size_t at = 0; (at = got.find("ary: ", at)) != std::string::npos; ++at)
            all += got.substr(at + 5, got.find("\r\n", at) - at - 5) + "|";
        return all;
    };
    EXPECT_EQ(vary(""), "Accept-Encoding|");
    EXPECT_EQ(vary("Vary: Origin\r\n"), "Origin, Accept-Encoding|");
    EXPECT_EQ(vary("vary: Origin\r\nVary: Cookie, A\r\n"), "Origin, Cookie, A, Accept-Encoding|");
    EXPECT_EQ(vary("Vary:\r\n"), "Accept-Encoding|");
    EXPECT_EQ(vary("Vary: Origin, accept-encoding\r\n"), "Origin, accept-encoding|");
    EXPECT_EQ(vary("Vary: Origin\r\nVary: Accept-Encoding\r\n"), "Origin|Accept-Encoding|");
    EXPECT_EQ(vary("Vary: *\r\n"), "*|");
    // What the route takes away stays away; ours is said all the same: caches go by it.
    const std::vector<std::string> dropped{"vary", "etag"};
    edits.drop = &dropped;
    EXPECT_EQ(vary("Vary: Origin\r\n"), "Accept-Encoding|");
    EXPECT_EQ(sent(text("ETag: \"a\"\r\n")).find("ETag"), std::string::npos);
}

TEST_F(CodedResponse, AnAnswerToHeadSaysWhatAGetWould) {
    head = true;
    EXPECT_EQ(sent(text("Content-Length: 500\r\nETag: \"a\"\r\n")),
              "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
              "Vary: Accept-Encoding\r\nETag: W/\"a\"\r\nContent-Encoding: gzip\r\n\r\n");
    EXPECT_EQ(plan(text("Content-Length: 5\r\n")), CodingPlan::none);
    coding = ContentCoding::identity;
    EXPECT_NE(sent(text("Content-Length: 500\r\n")).find("Content-Length: 500"), std::string::npos);
}

// A cache that holds what we coded, with its weak tag, asks whether it is still good.
TEST_F(CodedResponse, NotModifiedSpeaksOfTheTagTheClientHolds) {
    EXPECT_NE(sent("304 Not Modified", "ETag: \"a\"\r\n").find("ETag: \"a\""), std::string::npos);
    weakTagHeld = true;
    EXPECT_NE(sent("304 Not Modified", "ETag: \"a\"\r\n").find("ETag: W/\"a\""), std::string::npos);
    EXPECT_EQ(sent("304 Not Modified", "ETag: \"a\"\r\n").find("Content-Encoding"),
              std::string::npos);
    EXPECT_NE(sent("304 Not Modified", "Vary: Origin\r\n").find("Vary: Origin, Accept-Encoding"),
              std::string::npos);
    coding = ContentCoding::identity;
    EXPECT_NE(sent("304 Not Modified", "ETag: \"a\"\r\n").find("ETag: \"a\""), std::string::npos);
    const auto holds = [](std::string_view field) {
        return holdsWeakTag(
            testing::parseRequest("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(field) + "\r\n\r\n")
                .head);
    };
    EXPECT_TRUE(holds("If-None-Match: W/\"a\""));
    EXPECT_TRUE(holds("if-none-match: \"b\", W/\"a\""));
    EXPECT_FALSE(holds("If-None-Match: \"a\""));
    EXPECT_FALSE(holds("If-Match: W/\"a\""));
}

}  // namespace
}  // namespace evergate::http
