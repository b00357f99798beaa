// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>

#include "dataplane/http/compose.hpp"
#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::parseResponse;

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

ResponseFacts facts(Framing framing) {
    ResponseFacts result;
    result.framing = framing;
    result.date = kDate;
    return result;
}

// Composes with the input right before `end` and its body behind, as a session does, and elsewhere;
// both must give the same.
std::string compose(const std::string& text, ResponseFacts given) {
    const std::string body = "BODY";
    auto parsed = parseResponse(text);
    EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    const std::size_t bound = composedSizeBound(parsed.head) + given.added();
    const std::unique_ptr<char[]> apart(new char[bound]);
    char* begin = composeResponseBefore(parsed.head, given, apart.get() + bound);
    const std::string result(begin, apart.get() + bound);

    const std::size_t room = bound - text.size();
    const std::unique_ptr<char[]> buffer(new char[bound + body.size()]);
    std::memcpy(buffer.get() + room, text.data(), text.size());
    std::memcpy(buffer.get() + bound, body.data(), body.size());
    ResponseHead head;
    std::size_t scanned = 0;
    const auto again =
        parseResponseHead({buffer.get() + room, text.size()}, {}, false, scanned, head);
    EXPECT_EQ(again.status, ParseStatus::complete);
    begin = composeResponseBefore(head, given, buffer.get() + bound);
    EXPECT_EQ(std::string(begin, buffer.get() + bound + body.size()), result + body);
    return result;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(ComposeResponse, WritesAWholeHead) {
    EXPECT_EQ(compose("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\nA: b\r\n\r\n",
                      facts(Framing::length)),
              "HTTP/1.1 200 OK\r\nServer: x\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "Content-Length: 5\r\n\r\n");
}

TEST(ComposeResponse, KeepsADateAndAddsNamesOnlyWhenAsked) {
    const std::string text = "HTTP/1.0 404 Not Found\r\nDate: d\r\nContent-Length: 0\r\n\r\n";
    ResponseFacts given = facts(Framing::length);
    EXPECT_EQ(compose(text, given),
              "HTTP/1.1 404 Not Found\r\nDate: d\r\nContent-Length: 0\r\n\r\n");
    given.server = "edge/1";
    given.via = "gate";
    EXPECT_EQ(compose(text, given),
              "HTTP/1.1 404 Not Found\r\nDate: d\r\nServer: edge/1\r\nVia: 1.0 gate\r\n"
              "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(compose("HTTP/1.1 200 OK\r\nDate: d\r\nSERVER: x\r\nvia: 1.1 y\r\n"
                      "Content-Length: 0\r\n\r\n",
                      given),
              "HTTP/1.1 200 OK\r\nDate: d\r\nSERVER: x\r\nvia: 1.1 y\r\nVia: 1.1 gate\r\n"
              "Content-Length: 0\r\n\r\n");
    EXPECT_FALSE(contains(compose("HTTP/1.1 103 x\r\n\r\n", given), "Server"));
}

TEST(ComposeResponse, ReplacesADateThatIsOfOneConnectionOnly) {
    EXPECT_EQ(
        compose("HTTP/1.1 200 OK\r\nDate: d\r\nConnection: date\r\nContent-Length: 0\r\n\r\n",
                facts(Framing::length)),
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n");
}

TEST(Upgrade, IsOneOfThoseAskedFor) {
    const auto agrees = [](const std::string& lines, std::string_view asked) {
        return isUpgradeAmong(parseResponse("HTTP/1.1 101 x\r\n" + lines + "\r\n").head, asked);
    };
    EXPECT_TRUE(agrees("Upgrade: websocket\r\n", "WebSocket"));
    EXPECT_TRUE(agrees("Upgrade: b/2\r\n", "a/1, b/2"));
    EXPECT_FALSE(agrees("Upgrade: b/3\r\n", "a/1, b/2"));
    EXPECT_FALSE(agrees("Upgrade: websocket, h2c\r\n", "websocket"));
    EXPECT_FALSE(agrees("", "websocket"));
    EXPECT_FALSE(agrees("Upgrade: \r\n", "websocket"));
}

TEST(ComposeResponse, DropsHopByHopFields) {
    const std::string head = compose(
        "HTTP/1.1 200 OK\r\nA: 1\r\nConnection: close, B\r\nB: 2\r\nKeep-Alive: 3\r\n"
        "Proxy-Connection: 4\r\nUpgrade: h2\r\nTransfer-Encoding: chunked\r\nC: 5\r\n\r\n",
        facts(Framing::chunked));
    EXPECT_EQ(head,
              "HTTP/1.1 200 OK\r\nA: 1\r\nC: 5\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
}

TEST(ComposeResponse, SaysWhatBecomesOfTheConnection) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    ResponseFacts given = facts(Framing::length);
    EXPECT_FALSE(contains(compose(text, given), "Connection"));
    given.clientKeepAlive = false;
    EXPECT_TRUE(contains(compose(text, given), "\r\nConnection: close\r\n"));
    given.clientMinorVersion = 0;
    EXPECT_TRUE(contains(compose(text, given), "\r\nConnection: close\r\n"));
    given.clientKeepAlive = true;
    EXPECT_TRUE(contains(compose(text, given), "\r\nConnection: keep-alive\r\n"));
}

TEST(ComposeResponse, EndsABodyWithoutLengthByClosing) {
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n";
    ResponseFacts given = facts(Framing::chunked);
    EXPECT_TRUE(contains(compose(text, given), "\r\nTrailer: T\r\n"));
    given.clientMinorVersion = 0;
    for (const Framing framing : {Framing::chunked, Framing::untilClose}) {
        given.framing = framing;
        const std::string head = compose(text, given);
        EXPECT_FALSE(contains(head, "Transfer-Encoding"));
        EXPECT_FALSE(contains(head, "Trailer"));
        EXPECT_TRUE(contains(head, "\r\nConnection: close\r\n"));
    }
}

TEST(ComposeResponse, KeepsTheLengthOfABodyNotSent) {
    EXPECT_TRUE(contains(
        compose("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", facts(Framing::none)),
        "\r\nContent-Length: 5\r\n"));
    EXPECT_FALSE(contains(
        compose("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", facts(Framing::none)),
        "Content-Length"));
}

TEST(ComposeResponse, AddsNothingToAnInterimResponse) {
    EXPECT_EQ(compose("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", facts(Framing::none)),
              "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    EXPECT_EQ(compose("HTTP/1.1 100 Continue\r\n\r\n", facts(Framing::none)),
              "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(ComposeResponse, ForwardsAnUpgrade) {
    ResponseFacts given = facts(Framing::none);
    given.upgrade = true;
    EXPECT_EQ(compose("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
                      given),
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Accept: x\r\n\r\n");
}

TEST(ComposeResponse, ForwardsALongUpgradeOverItsOwnInput) {
    ResponseFacts given = facts(Framing::none);
    given.upgrade = true;
    const std::string protocol(3'000, 'p');
    EXPECT_EQ(compose("HTTP/1.1 101 x\r\nA:b\r\nC:d\r\nUpgrade:" + protocol + "\r\n\r\n", given),
              "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: " + protocol +
                  "\r\nA: b\r\nC: d\r\n\r\n");
}

TEST(ComposeResponse, SaysWhichUpgradeIsRequired) {
    ResponseFacts given = facts(Framing::length);
    given.clientKeepAlive = false;
    EXPECT_TRUE(contains(compose("HTTP/1.1 426 Upgrade Required\r\nUpgrade: x\r\n"
                                 "Connection: upgrade\r\nContent-Length: 0\r\n\r\n",
                                 given),
                         "\r\nConnection: Upgrade, close\r\nUpgrade: x\r\n"));
}

TEST(ComposeResponse, ManyTightFieldsOverTheirOwnInput) {
    std::string text = "HTTP/1.1 200\r\n";
    std::string expected = "HTTP/1.1 200 \r\n";
    for (int i = 0; i < 120; ++i) {
        text += "N" + std::to_string(i) + ":v\r\n";
        expected += "N" + std::to_string(i) + ": v\r\n";
    }
    ResponseFacts given = facts(Framing::untilClose);
    const std::string head = compose(text + "\r\n", given);
    EXPECT_EQ(head.substr(0, 35), "HTTP/1.1 200 \r\nConnection: close\r\nN");
    EXPECT_TRUE(contains(head, expected.substr(15)));
}

TEST(ErrorReply, IsACompleteResponse) {
    char out[512];
    ErrorReply reply;
    reply.error = ProxyError::noEndpoint;
    reply.retryAfterSeconds = 5;
    reply.close = true;
    reply.date = kDate;
    reply.server = "edge";
    EXPECT_EQ(std::string(out, composeErrorReply(reply, out, sizeof out)),
              "HTTP/1.1 503 Service Unavailable\r\n"
              "Content-Type: text/plain; charset=utf-8\r\nServer: edge\r\nDate: Sun, 06 Nov 1994 "
              "08:49:37 GMT\r\n"
              "Content-Length: 26\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
              "503 no endpoint available\n");
}

TEST(ErrorReply, SendsNoBodyToHead) {
    char out[512];
    ErrorReply reply;
    reply.error = ProxyError::noRoute;
    reply.headRequest = true;
    const std::string text(out, composeErrorReply(reply, out, sizeof out));
    EXPECT_TRUE(contains(text, "\r\nContent-Length: 13\r\n"));
    EXPECT_EQ(text.substr(text.size() - 4), "\r\n\r\n");
}

TEST(ErrorReply, FitsForEveryErrorAndIsReadBack) {
    for (int i = 1; i < static_cast<int>(ProxyError::count_); ++i) {
        ErrorReply reply;
        reply.error = static_cast<ProxyError>(i);
        reply.close = true;
        reply.retryAfterSeconds = ~0U;
        reply.date = kDate;
        const std::unique_ptr<char[]> out(new char[512]);
        const std::string text(out.get(), composeErrorReply(reply, out.get(), 512));
        const auto parsed = parseResponse(text);
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << i;
        EXPECT_EQ(parsed.head.headBytes + parsed.head.contentLength, text.size());
        EXPECT_EQ(parsed.head.status, info(reply.error).status);
        EXPECT_FALSE(parsed.head.keepAlive);
    }
}

TEST(ErrorReply, WritesNothingIntoTooLittleRoom) {
    char out[64];
    ErrorReply reply;
    reply.error = ProxyError::noRoute;
    EXPECT_EQ(composeErrorReply(reply, out, sizeof out), 0U);
    char room[512];
    EXPECT_EQ(composeErrorReply(ErrorReply{}, room, sizeof room), 0U);
}

TEST(HttpDate, WritesImfFixdate) {
    const std::pair<std::int64_t, const char*> cases[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784'111'777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951'782'399, "Mon, 28 Feb 2000 23:59:59 GMT"},
        {951'782'400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {4'102'444'799, "Thu, 31 Dec 2099 23:59:59 GMT"},
    };
    for (const auto& [time, expected] : cases) {
        char out[30];
        writeHttpDate(time, out);
        EXPECT_STREQ(out, expected);
    }
}

}  // namespace
}  // namespace evergate::http
