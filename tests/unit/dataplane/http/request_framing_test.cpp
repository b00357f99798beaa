// SPDX-License-Identifier: Apache-2.0
// Where a request ends must never be a matter of opinion: each case is one that some server and
// some proxy have read differently.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::bytes;
using testing::parseRequest;

struct Smuggled {
    const char* name;
    std::string lines;
    const char* version = "1.1";
};

void PrintTo(const Smuggled& c, std::ostream* out) {
    *out << c.name;
}

std::string request(const std::string& lines, const std::string& version = "1.1") {
    return "POST / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n";
}

class RequestFraming : public ::testing::TestWithParam<Smuggled> {};

TEST_P(RequestFraming, Refuses) {
    const auto parsed = parseRequest(request(GetParam().lines, GetParam().version));
    ASSERT_EQ(parsed.result.status, ParseStatus::error);
    EXPECT_EQ(info(parsed.result.error).status, 400) << parsed.result.detail;
}

INSTANTIATE_TEST_SUITE_P(
    Ambiguous, RequestFraming,
    ::testing::Values(
        Smuggled{"LengthThenChunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"},
        Smuggled{"ChunkedThenLength", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"},
        Smuggled{"ChunkedWithLengthZero", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"},
        Smuggled{"DifferingLengths", "Content-Length: 5\r\nContent-Length: 6\r\n"},
        Smuggled{"RepeatedLength", "Content-Length: 5\r\nContent-Length: 5\r\n"},
        Smuggled{"LengthList", "Content-Length: 5, 6\r\n"},
        Smuggled{"EqualLengthList", "Content-Length: 5, 5\r\n"},
        Smuggled{"PlusLength", "Content-Length: +5\r\n"},
        Smuggled{"MinusLength", "Content-Length: -5\r\n"},
        Smuggled{"HexLength", "Content-Length: 0x5\r\n"},
        Smuggled{"FractionLength", "Content-Length: 5.0\r\n"},
        Smuggled{"ExponentLength", "Content-Length: 1e3\r\n"},
        Smuggled{"EmptyLength", "Content-Length: \r\n"},
        Smuggled{"QuotedLength", "Content-Length: \"5\"\r\n"},
        Smuggled{"LengthWithSpace", "Content-Length: 5 6\r\n"},
        Smuggled{"LengthOverflow64", "Content-Length: 18446744073709551621\r\n"},
        Smuggled{"LengthOverflow63", "Content-Length: 9223372036854775808\r\n"},
        Smuggled{"LengthWithUnderscoreDigits", "Content-Length: 1_0\r\n"},
        Smuggled{"SpaceBeforeLengthColon", "Content-Length : 5\r\n"},
        Smuggled{"SpaceBeforeCodingColon", "Transfer-Encoding : chunked\r\n"},
        Smuggled{"TabBeforeCodingColon", "Transfer-Encoding\t: chunked\r\n"},
        Smuggled{"LeadingSpaceCoding", "X: y\r\n Transfer-Encoding: chunked\r\n"},
        Smuggled{"FoldedCoding", "Transfer-Encoding:\r\n chunked\r\n"},
        Smuggled{"VerticalTabCoding", "Transfer-Encoding: \vchunked\r\n"},
        Smuggled{"NulInCoding", bytes("Transfer-Encoding: chun\0ked\r\n")},
        Smuggled{"NonAsciiSpaceCoding",
                 "Transfer-Encoding: \xa0"
                 "chunked\r\n"},
        Smuggled{"BareLfHidesCoding", "X: y\nTransfer-Encoding: chunked\r\n"},
        Smuggled{"BareCrHidesCoding", "X: y\rTransfer-Encoding: chunked\r\n"},
        Smuggled{"CrCrLf", "X: y\r\r\nTransfer-Encoding: chunked\r\n"},
        Smuggled{"IdentityCoding", "Transfer-Encoding: identity\r\n"},
        Smuggled{"UnknownCoding", "Transfer-Encoding: xchunked\r\n"},
        Smuggled{"ChunkedNotLast", "Transfer-Encoding: chunked, gzip\r\n"},
        Smuggled{"BadCodingThenChunked", "Transfer-Encoding: g(zip, chunked\r\n"},
        Smuggled{"ChunkedTwice", "Transfer-Encoding: chunked, chunked\r\n"},
        Smuggled{"ChunkedTwiceInTwoFields",
                 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
        Smuggled{"ChunkedAndIdentity",
                 "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"},
        Smuggled{"ChunkedWithParameter", "Transfer-Encoding: chunked;a=b\r\n"},
        Smuggled{"QuotedChunked", "Transfer-Encoding: \"chunked\"\r\n"},
        Smuggled{"CommaChunked", "Transfer-Encoding: ,chunked\r\n"},
        Smuggled{"EmptyCoding", "Transfer-Encoding: \r\n"},
        Smuggled{"ChunkedInHttp10", "Transfer-Encoding: chunked\r\n", "1.0"},
        Smuggled{"NameCutByNul", bytes("Content-Length\0: 5\r\n")},
        Smuggled{"ConnectionHidesNothing",
                 "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n"
                 "Content-Length: 5\r\n"}),
    [](const auto& tested) { return tested.param.name; });

// Where the end is would be clear, what the body says would not (RFC 9112 §6.1).
TEST(RequestFraming, DoesNotKnowOtherCodings) {
    for (const char* codings : {"gzip, chunked", "GZIP,x-y , Chunked", "identity, chunked"}) {
        const auto parsed =
            parseRequest(request(std::string("Transfer-Encoding: ") + codings + "\r\n"));
        EXPECT_EQ(parsed.result.error, ProxyError::unknownCoding) << codings;
        EXPECT_EQ(info(parsed.result.error).status, 501);
    }
}

TEST(RequestFraming, FindsALength) {
    for (const auto& [text, length] :
         {std::pair{"0", 0ULL}, std::pair{"5", 5ULL}, std::pair{"0005", 5ULL},
          std::pair{"9223372036854775807", 9223372036854775807ULL}}) {
        const auto parsed = parseRequest(request(std::string("content-length:") + text + "\r\n"));
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        EXPECT_EQ(parsed.head.framing, Framing::length);
        EXPECT_EQ(parsed.head.contentLength, length);
    }
}

TEST(RequestFraming, FindsChunked) {
    for (const char* value : {"chunked", "CHUNKED", "\t chunked \t"}) {
        const auto parsed =
            parseRequest(request(std::string("TRANSFER-encoding:") + value + "\r\n"));
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        EXPECT_EQ(parsed.head.framing, Framing::chunked);
    }
}

TEST(RequestFraming, IsNoneWithoutEither) {
    EXPECT_EQ(parseRequest(request("X-Content-Length: 5\r\n")).head.framing, Framing::none);
}

TEST(RequestFraming, ReadsPipelinedRequestsOneByOne) {
    const std::string first = request("Content-Length: 0\r\n");
    const std::string both = first + request("");
    const auto parsed = parseRequest(both);
    ASSERT_EQ(parsed.result.status, ParseStatus::complete);
    EXPECT_EQ(parsed.head.headBytes, first.size());
    EXPECT_EQ(parsed.head.fields.size(), 2U);
}

}  // namespace
}  // namespace evergate::http
