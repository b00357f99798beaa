// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/dataplane/http/beast_oracle.hpp"
#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::bytes;
using testing::parseResponse;

TEST(ResponseHead, IndexesAPlainResponse) {
    const std::string text =
        "HTTP/1.1 200 All right\r\nDate: today\r\nContent-Length: 5\r\nX:  y \r\n\r\n";
    const auto parsed = parseResponse(text + "hello");
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(parsed.head.status, 200);
    EXPECT_EQ(parsed.head.reason, "All right");
    EXPECT_EQ(parsed.head.framing, Framing::length);
    EXPECT_EQ(parsed.head.contentLength, 5U);
    EXPECT_EQ(parsed.head.headBytes, text.size());
    EXPECT_TRUE(parsed.head.hasLength);
    EXPECT_TRUE(parsed.head.keepAlive);
    ASSERT_EQ(parsed.head.fields.size(), 3U);
    EXPECT_EQ(parsed.head.fields[2].value, "y");
}

struct Framed {
    const char* name;
    const char* statusLine;
    const char* lines;
    Framing framing;
    bool keepAlive;
    bool requestWasHead = false;
    std::uint64_t length = 0;
};

void PrintTo(const Framed& c, std::ostream* out) {
    *out << c.name;
}

class ResponseFraming : public ::testing::TestWithParam<Framed> {};

TEST_P(ResponseFraming, FollowsRfc9112) {
    const Framed& tested = GetParam();
    const std::string text = std::string(tested.statusLine) + "\r\n" + tested.lines + "\r\n";
    const auto parsed = parseResponse(text, tested.requestWasHead);
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(parsed.head.framing, tested.framing);
    EXPECT_EQ(parsed.head.keepAlive, tested.keepAlive);
    EXPECT_EQ(parsed.head.contentLength, tested.length);
    EXPECT_EQ(testing::differenceFromBeast(text, tested.requestWasHead, parsed.head), "");
}

constexpr const char* kOk = "HTTP/1.1 200 OK";

INSTANTIATE_TEST_SUITE_P(
    Table, ResponseFraming,
    ::testing::Values(
        Framed{"Length", kOk, "Content-Length: 7\r\n", Framing::length, true, false, 7},
        Framed{"LengthZero", kOk, "Content-Length: 0\r\n", Framing::length, true},
        Framed{"Chunked", kOk, "Transfer-Encoding: chunked\r\n", Framing::chunked, true},
        Framed{"UntilClose", kOk, "", Framing::untilClose, false},
        Framed{"UntilCloseDespiteKeepAlive", kOk, "Connection: keep-alive\r\n", Framing::untilClose,
               false},
        Framed{"ClosingLength", kOk, "Connection: close\r\nContent-Length: 7\r\n", Framing::length,
               false, false, 7},
        Framed{"ClosingChunked", kOk, "Transfer-Encoding: chunked\r\nConnection: close\r\n",
               Framing::chunked, false},
        Framed{"Head", kOk, "Content-Length: 7\r\n", Framing::none, true, true, 7},
        Framed{"HeadChunked", kOk, "Transfer-Encoding: chunked\r\n", Framing::none, true, true},
        Framed{"HeadWithoutLength", kOk, "", Framing::none, true, true},
        Framed{"NotModified", "HTTP/1.1 304 Not Modified", "Content-Length: 7\r\n", Framing::none,
               true, false, 7},
        Framed{"NoContent", "HTTP/1.1 204 No Content", "", Framing::none, true},
        Framed{"NoContentWithLength", "HTTP/1.1 204 No Content", "Content-Length: 7\r\n",
               Framing::none, false},
        Framed{"NoContentWithLengthZero", "HTTP/1.1 204 No Content", "Content-Length: 0\r\n",
               Framing::none, true},
        Framed{"NoContentChunked", "HTTP/1.1 204 No Content", "Transfer-Encoding: chunked\r\n",
               Framing::none, false},
        Framed{"Continue", "HTTP/1.1 100 Continue", "", Framing::none, true},
        Framed{"EarlyHints", "HTTP/1.1 103 Early Hints", "Link: </a>\r\n", Framing::none, true},
        Framed{"SwitchingProtocols", "HTTP/1.1 101 Switching Protocols",
               "Connection: upgrade\r\nUpgrade: websocket\r\n", Framing::none, true},
        Framed{"Http10Length", "HTTP/1.0 200 OK", "Content-Length: 7\r\n", Framing::length, false,
               false, 7},
        Framed{"Http10KeepAlive", "HTTP/1.0 200 OK",
               "Content-Length: 7\r\nConnection: keep-alive\r\n", Framing::length, true, false, 7},
        Framed{"NoReason", "HTTP/1.1 200 ", "Content-Length: 0\r\n", Framing::length, true},
        Framed{"NoReasonNoSpace", "HTTP/1.1 200", "Content-Length: 0\r\n", Framing::length, true},
        Framed{"Status999", "HTTP/1.1 999 Odd", "Content-Length: 0\r\n", Framing::length, true}),
    [](const auto& tested) { return tested.param.name; });

struct Refused {
    const char* name;
    std::string text;
    ProxyError error = ProxyError::upstreamBadResponse;
};

void PrintTo(const Refused& c, std::ostream* out) {
    *out << c.name;
}

class ResponseHeadRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ResponseHeadRefuses, It) {
    const auto parsed = parseResponse(GetParam().text);
    ASSERT_EQ(parsed.result.status, ParseStatus::error);
    EXPECT_EQ(parsed.result.error, GetParam().error);
    EXPECT_STRNE(parsed.result.detail, "");
}

std::string with(const std::string& lines) {
    return "HTTP/1.1 200 OK\r\n" + lines + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Table, ResponseHeadRefuses,
    ::testing::Values(
        Refused{"Garbage", "SSH-2.0-OpenSSH_9.2\r\n"}, Refused{"Http09", "<html>\r\n"},
        Refused{"LowerCase", "http/1.1 200 OK\r\n\r\n"},
        Refused{"Http2", "HTTP/2.0 200 OK\r\n\r\n"}, Refused{"Http12", "HTTP/1.2 200 OK\r\n\r\n"},
        Refused{"TwoDigits", "HTTP/1.1 20 OK\r\n\r\n"},
        Refused{"FourDigits", "HTTP/1.1 2000 OK\r\n\r\n"},
        Refused{"Status099", "HTTP/1.1 099 OK\r\n\r\n"},
        Refused{"SignedStatus", "HTTP/1.1 +20 OK\r\n\r\n"},
        Refused{"TwoSpaces", "HTTP/1.1  200 OK\r\n\r\n"},
        Refused{"TabAfterStatus", "HTTP/1.1 200\tOK\r\n\r\n"},
        Refused{"EmptyLineFirst", "\r\nHTTP/1.1 200 OK\r\n\r\n"},
        Refused{"ControlInReason", "HTTP/1.1 200 O\x01K\r\n\r\n"},
        Refused{"BareLf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        Refused{"BareCr", with("X: a\rb\r\n")}, Refused{"Nul", with(bytes("X: a\0\r\n"))},
        Refused{"Folded", with("X: a\r\n b\r\n")},
        Refused{"SpaceBeforeColon", with("Content-Length : 5\r\n")},
        Refused{"EmptyName", with(": 5\r\n")}, Refused{"NoColon", with("X\r\n")},
        Refused{"BadConnection", with("Connection: a b\r\nContent-Length: 0\r\n")},
        Refused{"ChunkedWithLength", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
        Refused{"DifferingLengths", with("Content-Length: 5\r\nContent-Length: 6\r\n")},
        Refused{"RepeatedEqualLength", with("Content-Length: 7\r\nContent-Length: 7\r\n")},
        Refused{"EqualLengthList", with("Content-Length: 5, 5\r\n")},
        Refused{"LengthList", with("Content-Length: 5, 6\r\n")},
        Refused{"NegativeLength", with("Content-Length: -5\r\n")},
        Refused{"HugeLength", with("Content-Length: 99999999999999999999\r\n")},
        Refused{"UnknownCoding", with("Transfer-Encoding: gzip, chunked\r\n")},
        Refused{"ChunkedTwice",
                with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
        Refused{"ChunkedInHttp10", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Refused{"DifferingLengthsOf204",
                "HTTP/1.1 204 x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}),
    [](const auto& tested) { return tested.param.name; });

TEST(ResponseHead, EnforcesLimits) {
    HeadLimits limits;
    limits.maxHeadBytes = 64;
    const std::string longLine = with("X: " + std::string(100, 'a') + "\r\n");
    EXPECT_EQ(parseResponse(longLine, false, limits).result.error,
              ProxyError::upstreamHeadTooLarge);
    limits = {};
    limits.maxHeaders = 1;
    EXPECT_EQ(parseResponse(with("A: b\r\nC: d\r\n"), false, limits).result.error,
              ProxyError::upstreamHeadTooLarge);
}

TEST(ResponseHead, GivesTheSameResultForEverySplit) {
    for (const std::string& text : {with("Content-Length: 5\r\nX: y\r\n") + "hello",
                                    with("Content-Length: 5\r\n b\r\n"), with("X: \n\r\n")}) {
        const auto whole = parseResponse(text);
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            ResponseHead head;
            std::size_t scanned = 0;
            ParseResult result =
                parseResponseHead(std::string_view(text).substr(0, cut), {}, false, scanned, head);
            if (result.status == ParseStatus::incomplete) {
                result = parseResponseHead(text, {}, false, scanned, head);
            }
            EXPECT_EQ(result.status, whole.result.status) << cut;
            EXPECT_EQ(result.error, whole.result.error) << cut;
            EXPECT_EQ(head.headBytes, whole.head.headBytes) << cut;
        }
    }
}

}  // namespace
}  // namespace evergate::http
