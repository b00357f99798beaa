// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "dataplane/http/compose.hpp"
#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::parseRequest;

constexpr ForwardedFacts kFacts{"10.0.0.9", "http", 80};

// Composes into exactly the promised room, so that a write past it is seen by the sanitizer.
std::string compose(const std::string& text, const ForwardedFacts& facts = kFacts) {
    const auto parsed = parseRequest(text);
    EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    const std::size_t bound = composedSizeBound(parsed.head, facts);
    const std::unique_ptr<char[]> out(new char[bound]);
    const std::size_t length = composeRequest(parsed.head, facts, out.get());
    EXPECT_LE(length, bound);
    return {out.get(), length};
}

// Composed from "GET / HTTP/1.1", Host a and these lines: what lies between Host and
// X-Forwarded-For.
std::string kept(const std::string& lines) {
    const std::string head = compose("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(head.substr(0, start.size()), start);
    return head.substr(start.size(), head.find("X-Forwarded-For: ") - start.size());
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(ComposeRequest, WritesAWholeHead) {
    EXPECT_EQ(compose("GET /a?b HTTP/1.1\r\nHost: Example.com:8080\r\nUser-Agent: x\r\n\r\n"),
              "GET /a?b HTTP/1.1\r\nHost: Example.com:8080\r\nUser-Agent: x\r\n"
              "X-Forwarded-For: 10.0.0.9\r\nX-Real-IP: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n"
              "X-Forwarded-Host: Example.com:8080\r\nX-Forwarded-Port: 80\r\n\r\n");
}

TEST(ComposeRequest, SpeaksHttp11ToTheUpstream) {
    const std::string head = compose("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(head.substr(0, 24), "GET / HTTP/1.1\r\nHost: \r\n");
    EXPECT_FALSE(contains(head, "Connection"));
    EXPECT_FALSE(contains(head, "X-Forwarded-Host"));
}

TEST(ComposeRequest, KeepsOrderAndSpelling) {
    EXPECT_EQ(kept("b: 1\r\nA: 2\r\nb: 3\r\n"), "b: 1\r\nA: 2\r\nb: 3\r\n");
}

TEST(ComposeRequest, NormalisesWhitespaceAroundValues) {
    EXPECT_EQ(kept("A:1\r\nB: \t2 \r\nC:\r\nD: 4\r\nE: \r\nF:\t6\r\n"),
              "A: 1\r\nB: 2\r\nC: \r\nD: 4\r\nE: \r\nF: 6\r\n");
}

TEST(ComposeRequest, DropsHopByHopFields) {
    EXPECT_EQ(kept("A: 1\r\nConnection: keep-alive, B\r\nB: 2\r\nKeep-Alive: 3\r\nTE: gzip\r\n"
                   "Proxy-Connection: x\r\nProxy-Authorization: y\r\nProxy: z\r\nUpgrade: w\r\n"
                   "HTTP2-Settings: s\r\nTrailer: T\r\nC: 3\r\n"),
              "A: 1\r\nC: 3\r\n");
}

TEST(ComposeRequest, AppendsToForwardedFor) {
    const std::string head = compose(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nA: b\r\n"
        "x-forwarded-for: 2.2.2.2, 3.3.3.3\r\nX-Forwarded-For:\r\n\r\n");
    EXPECT_TRUE(contains(head, "\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9\r\n"));
    EXPECT_FALSE(contains(head, "x-forwarded-for"));
}

TEST(ComposeRequest, ReplacesWhatTheClientClaimsAboutItself) {
    const std::string head = compose(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: evil\r\nX-Forwarded-Host: evil\r\n"
        "X-Forwarded-Port: 666\r\nX-Real-IP: 6.6.6.6\r\n\r\n",
        {"2001:db8::1", "https", 8443});
    EXPECT_FALSE(contains(head, "evil"));
    EXPECT_FALSE(contains(head, "666"));
    EXPECT_FALSE(contains(head, "6.6.6.6"));
    EXPECT_TRUE(contains(head,
                         "X-Forwarded-For: 2001:db8::1\r\nX-Real-IP: 2001:db8::1\r\n"
                         "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"
                         "X-Forwarded-Port: 8443\r\n\r\n"));
}

TEST(ComposeRequest, AppendsNothingToAForwardedForThatConnectionNames) {
    const std::string head = compose(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For\r\nX-Forwarded-For: 1\r\n\r\n");
    EXPECT_TRUE(contains(head, "\r\nX-Forwarded-For: 10.0.0.9\r\n"));
}

TEST(ComposeRequest, WritesFramingAnew) {
    const std::string length =
        compose("POST / HTTP/1.1\r\nhost: a\r\nCONTENT-LENGTH:  007 \r\nA: b\r\n\r\n");
    EXPECT_FALSE(contains(length, "CONTENT-LENGTH"));
    EXPECT_TRUE(contains(length, "\r\nContent-Length: 7\r\n\r\n"));
    const std::string chunked =
        compose("POST / HTTP/1.1\r\nHost: a\r\nTransfer-ENCODING: Chunked\r\nTrailer: T\r\n\r\n");
    EXPECT_TRUE(contains(chunked, "\r\nTransfer-Encoding: chunked\r\n\r\n"));
    EXPECT_TRUE(contains(chunked, "\r\nTrailer: T\r\n"));
    const std::string empty = compose("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(contains(empty, "\r\nContent-Length: 0\r\n"));
}

TEST(ComposeRequest, FramesDespiteConnectionNamingTheLength) {
    const std::string head = compose(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length, Host\r\nContent-Length: "
        "7\r\n\r\n");
    EXPECT_TRUE(contains(head, "\r\nHost: a\r\n"));
    EXPECT_TRUE(contains(head, "\r\nContent-Length: 7\r\n"));
}

TEST(ComposeRequest, WritesTheUpgradeAnew) {
    const std::string head = compose(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\nUPGRADE: websocket\r\n"
        "Sec-WebSocket-Key: k\r\n\r\n");
    EXPECT_TRUE(contains(head, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    EXPECT_TRUE(contains(head, "\r\nSec-WebSocket-Key: k\r\n"));
    EXPECT_FALSE(contains(head, "UPGRADE"));
}

TEST(ComposeRequest, ForwardsExpectAndTrailersAccepted) {
    const std::string head = compose(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-CONTINUE\r\nContent-Length: 1\r\n"
        "TE: trailers, gzip\r\nConnection: TE\r\n\r\n");
    EXPECT_TRUE(
        contains(head, "\r\nConnection: TE\r\nTE: trailers\r\nExpect: 100-continue\r\n\r\n"));
}

TEST(ComposeRequest, SendsTheOriginFormOfAnAbsoluteTarget) {
    const std::string head = compose("GET http://b:81/c HTTP/1.1\r\nHost: b:81\r\n\r\n");
    EXPECT_EQ(head.substr(0, 31), "GET /c HTTP/1.1\r\nHost: b:81\r\nX-");
}

TEST(ComposeRequest, NamesItselfBehindOthers) {
    ForwardedFacts facts = kFacts;
    facts.via = "gate";
    EXPECT_TRUE(
        contains(compose("GET / HTTP/1.0\r\nHost: a\r\n\r\n", facts), "\r\nVia: 1.0 gate\r\n"));
    const std::string head =
        compose("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 x\r\nA: b\r\n\r\n", facts);
    EXPECT_LT(head.find("\r\nVia: 1.0 x\r\n"), head.find("\r\nVia: 1.1 gate\r\n"));
}

TEST(ComposeRequest, TakesOneOffMaxForwards) {
    EXPECT_TRUE(contains(compose("TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n"),
                         "\r\nMax-Forwards: 2\r\n"));
    EXPECT_FALSE(contains(compose("OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n"),
                          "Max-Forwards: 3"));
    EXPECT_TRUE(contains(compose("GET / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n"),
                         "\r\nMax-Forwards: 3\r\n"));
}

// The composed head, read again, says the same and nothing hop-by-hop.
TEST(ComposeRequest, IsReadBackTheSame) {
    const auto parsed = parseRequest(compose(
        "PUT /x HTTP/1.1\r\nHost: a\r\nA: 1\r\nContent-Length: 12\r\nConnection: x\r\n\r\n"));
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(parsed.head.target, "/x");
    EXPECT_EQ(parsed.head.contentLength, 12U);
    for (const HeaderField& field : parsed.head.fields) {
        EXPECT_FALSE(field.hopByHop) << field.name;
    }
}

TEST(ComposeRequest, StaysInItsBoundWhateverTheFields) {
    std::string lines;
    for (int i = 0; i < 100; ++i) {
        lines += "A:" + std::string(static_cast<std::size_t>(i), 'x') + "\r\n";
        compose("GET / HTTP/1.1\r\nHost: " + std::string(200, 'h') + "\r\n" + lines + "\r\n");
    }
}

}  // namespace
}  // namespace evergate::http
