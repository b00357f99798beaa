// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/chunked.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::bytes;

struct Decoded {
    std::string body;
    std::string trailers;
    std::size_t consumed = 0;
    bool done = false;
    bool failed = false;

    friend bool operator==(const Decoded&, const Decoded&) = default;
};

void PrintTo(const Decoded& decoded, std::ostream* out) {
    *out << '"' << decoded.body << "\" trailers=\"" << decoded.trailers
         << "\" consumed=" << decoded.consumed << " done=" << decoded.done
         << " failed=" << decoded.failed;
}

// Feeds the pieces as they come from a socket; stops as a session does.
Decoded decode(const std::vector<std::string_view>& pieces) {
    ChunkedDecoder decoder;
    Decoded result;
    for (std::string_view piece : pieces) {
        while (!piece.empty() && !decoder.done() && !decoder.failed()) {
            const ChunkedDecoder::Step step = decoder.next(piece);
            EXPECT_TRUE(step.consumed != 0 || decoder.failed());
            result.body += step.data;
            result.consumed += step.consumed;
            piece.remove_prefix(step.consumed);
        }
    }
    result.done = decoder.done();
    result.failed = decoder.failed();
    result.trailers = decoder.trailers();
    EXPECT_EQ(result.failed, decoder.detail()[0] != '\0');
    return result;
}

Decoded decode(const std::string& text) {
    return decode(std::vector<std::string_view>{text});
}

struct Valid {
    const char* name;
    std::string text;
    std::string body;
    std::string trailers;
};

void PrintTo(const Valid& c, std::ostream* out) {
    *out << c.name;
}

class ChunkedDecoderAccepts : public ::testing::TestWithParam<Valid> {};

TEST_P(ChunkedDecoderAccepts, WholeAtEverySplitAndByteByByte) {
    const std::string text = GetParam().text + "GET / HTTP/1.1";
    const Decoded expected{GetParam().body, GetParam().trailers, GetParam().text.size(), true,
                           false};
    EXPECT_EQ(decode(text), expected);
    const std::string_view view = text;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_EQ(decode({view.substr(0, cut), view.substr(cut)}), expected) << cut;
    }
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < text.size(); ++i) {
        single.push_back(view.substr(i, 1));
    }
    EXPECT_EQ(decode(single), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ChunkedDecoderAccepts,
    ::testing::Values(
        Valid{"Empty", "0\r\n\r\n", "", ""},
        Valid{"OneChunk", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
        Valid{"TwoChunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", ""},
        Valid{"UpperAndLowerHex", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
              "01234567890123456789", ""},
        Valid{"LeadingZeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", ""},
        Valid{"CrLfInData", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", ""},
        Valid{"Extension", "5;a=b\r\nhello\r\n0;c=\"d e\"\r\n\r\n", "hello", ""},
        Valid{"ExtensionOfEveryForm",
              "5 ; a ;b=c;d = e\t;f=\"g;\\\"h\\\\\" ;i=\"\"\r\nhello\r\n0;z\r\n\r\n", "hello", ""},
        Valid{"ExtensionAfterWhitespace", "5 \t;a\r\nhello\r\n0\r\n\r\n", "hello", ""},
        Valid{"Trailers", "0\r\nX-Sum: 1\r\nY:2 \r\n\r\n", "", "X-Sum: 1\r\nY: 2\r\n"},
        Valid{"TrailersNotAllowedThere",
              "0\r\ncontent-LENGTH: 5\r\nTransfer-Encoding: chunked\r\nHost: b\r\nX: y\r\n"
              "Authorization: z\r\nConnection: close\r\nTrailer: X\r\nX-Forwarded-For: 1\r\n\r\n",
              "", "X: y\r\n"}),
    [](const auto& tested) { return tested.param.name; });

struct Invalid {
    const char* name;
    std::string text;
};

void PrintTo(const Invalid& c, std::ostream* out) {
    *out << c.name;
}

class ChunkedDecoderRejects : public ::testing::TestWithParam<Invalid> {};

TEST_P(ChunkedDecoderRejects, WholeAndAtEverySplit) {
    const std::string& text = GetParam().text;
    EXPECT_TRUE(decode(text).failed);
    const std::string_view view = text;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_TRUE(decode({view.substr(0, cut), view.substr(cut)}).failed) << cut;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ChunkedDecoderRejects,
    ::testing::Values(
        Invalid{"EmptySize", "\r\nhello\r\n"}, Invalid{"ExtensionWithoutSize", ";a\r\nhello\r\n"},
        Invalid{"NotHex", "g\r\nhello\r\n"}, Invalid{"HexPrefix", "0x5\r\nhello\r\n"},
        Invalid{"Plus", "+5\r\nhello\r\n"}, Invalid{"Minus", "-5\r\nhello\r\n"},
        Invalid{"LeadingSpace", " 5\r\nhello\r\n"}, Invalid{"TrailingSpace", "5 \r\nhello\r\n"},
        Invalid{"SpaceInSize", "5 5\r\nhello\r\n"}, Invalid{"Comma", "5,5\r\nhello\r\n"},
        Invalid{"BareLfAfterSize", "5\nhello\r\n0\r\n\r\n"},
        Invalid{"BareCrAfterSize", "5\rhello\r\n"}, Invalid{"BareLfInExtension", "5;a\nhello\r\n"},
        Invalid{"BareCrInExtension", "5;a\rb\r\nhello\r\n"},
        Invalid{"NulInExtension", bytes("5;a\0\r\nhello\r\n")},
        Invalid{"EmptyExtension", "5;\r\nhello\r\n"},
        Invalid{"EmptyExtensionName", "5;=a\r\nhello\r\n"},
        Invalid{"TwoSemicolons", "5;;a\r\nhello\r\n"},
        Invalid{"EmptyExtensionValue", "5;a=\r\nhello\r\n"},
        Invalid{"TwoEqualSigns", "5;a==b\r\nhello\r\n"},
        Invalid{"WhitespaceBehindExtension", "5;a \r\nhello\r\n"},
        Invalid{"WhitespaceBehindExtensionValue", "5;a=b \r\nhello\r\n"},
        Invalid{"TwoExtensionNames", "5;a b\r\nhello\r\n"},
        Invalid{"TextBehindQuotes", "5;a=\"b\"c\r\nhello\r\n"},
        Invalid{"OpenQuotes", "5;a=\"b\r\nhello\r\n"},
        Invalid{"LineEndInQuotes", "5;a=\"\r\n\"\r\nhello\r\n"},
        Invalid{"EscapedLineEnd", "5;a=\"\\\r\nhello\r\n"},
        Invalid{"QuotedExtensionName", "5;\"a\"\r\nhello\r\n"},
        Invalid{"DataTooLong", "5\r\nhello!\r\n0\r\n\r\n"},
        Invalid{"DataTooShort", "6\r\nhello\r\n0\r\n\r\n"},
        Invalid{"BareLfAfterData", "5\r\nhello\n0\r\n\r\n"},
        Invalid{"BareCrAfterData", "5\r\nhello\r0\r\n\r\n"},
        Invalid{"SizeOverflow", "10000000000000000\r\n"},
        Invalid{"SizeAbove63Bits", "8000000000000000\r\n"},
        Invalid{"ManyZeros", "00000000000000005\r\nhello\r\n"},
        Invalid{"BareLfInTrailer", "0\r\nX: y\n\r\n"}, Invalid{"BareLfAsEnd", "0\r\n\n"},
        Invalid{"BareCrInTrailer", "0\r\nX: a\rb\r\n\r\n"},
        Invalid{"FoldedTrailer", "0\r\nX: a\r\n b\r\n\r\n"},
        Invalid{"SpaceBeforeTrailerColon", "0\r\nX : a\r\n\r\n"},
        Invalid{"TrailerWithoutColon", "0\r\nGET / HTTP/1.1\r\n\r\n"},
        Invalid{"EmptyTrailerName", "0\r\n: a\r\n\r\n"},
        Invalid{"NulInTrailer", bytes("0\r\nX: \0\r\n\r\n")},
        Invalid{"LongExtension", "5;" + std::string(2'000, 'a') + "\r\nhello\r\n"},
        Invalid{"LongTrailer", "0\r\nX: " + std::string(9'000, 'a') + "\r\n\r\n"}),
    [](const auto& tested) { return tested.param.name; });

// One byte of data per size line of a thousand.
TEST(ChunkedDecoder, RefusesABodyOfExtensions) {
    const std::string chunk = "1;" + std::string(1'000, 'a') + "\r\nx\r\n";
    std::string text;
    for (int i = 0; i < 15; ++i) {
        text += chunk;
    }
    EXPECT_FALSE(decode(text).failed);
    EXPECT_TRUE(decode(text + chunk + chunk).failed);
    std::string plain;
    for (int i = 0; i < 20'000; ++i) {
        plain += "1\r\nx\r\n";
    }
    EXPECT_FALSE(decode(plain + "0\r\n\r\n").failed);
}

TEST(ChunkedDecoder, RestrictsTrailerNames) {
    const auto trailers = [](model::HeaderUnderscores rule) {
        ChunkedDecoder decoder;
        decoder.restrictNames(rule);
        decoder.next("0\r\nA_B: 1\r\nC: 2\r\n\r\n");
        return decoder.failed() ? "failed" : decoder.trailers();
    };
    EXPECT_EQ(trailers(model::HeaderUnderscores::allow), "A_B: 1\r\nC: 2\r\n");
    EXPECT_EQ(trailers(model::HeaderUnderscores::remove), "C: 2\r\n");
    EXPECT_EQ(trailers(model::HeaderUnderscores::refuse), "failed");
}

TEST(ChunkedDecoder, YieldsOneRunOfDataPerStepAsPartOfTheInput) {
    const std::string text = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    ChunkedDecoder decoder;
    const ChunkedDecoder::Step first = decoder.next(text);
    EXPECT_EQ(first.data, "abc");
    EXPECT_EQ(first.consumed, 6U);
    EXPECT_EQ(first.data.data(), text.data() + 3);
    const ChunkedDecoder::Step second = decoder.next(std::string_view(text).substr(6));
    EXPECT_EQ(second.data, "de");
    EXPECT_FALSE(decoder.done());
}

TEST(ChunkedDecoder, KeepsTheLargestSize) {
    ChunkedDecoder decoder;
    const ChunkedDecoder::Step step = decoder.next("7fffffffffffffff\r\nabc");
    EXPECT_EQ(step.data, "abc");
    EXPECT_FALSE(decoder.failed());
}

TEST(ChunkedDecoder, IsAsNewAfterReset) {
    ChunkedDecoder decoder;
    decoder.next("0\r\nX: y\r\n\r\n");
    ASSERT_TRUE(decoder.done());
    decoder.reset();
    EXPECT_FALSE(decoder.done());
    EXPECT_EQ(decoder.trailers(), "");
    EXPECT_EQ(decoder.next("1\r\na").data, "a");
    decoder.reset();
    decoder.next("z");
    EXPECT_TRUE(decoder.failed());
    decoder.reset();
    EXPECT_FALSE(decoder.failed());
    EXPECT_STREQ(decoder.detail(), "");
}

TEST(ChunkedDecoder, TakesNothingAfterTheEnd) {
    ChunkedDecoder decoder;
    const ChunkedDecoder::Step step = decoder.next("0\r\n\r\nGET");
    EXPECT_EQ(step.consumed, 5U);
    EXPECT_EQ(decoder.next("GET").consumed, 0U);
}

TEST(ChunkHeader, WritesLowerCaseHex) {
    const std::pair<std::uint64_t, const char*> cases[] = {{0, "0\r\n"},
                                                           {1, "1\r\n"},
                                                           {0x1a2b, "1a2b\r\n"},
                                                           {0x10000, "10000\r\n"},
                                                           {~0ULL, "ffffffffffffffff\r\n"}};
    for (const auto& [size, expected] : cases) {
        char out[18];
        EXPECT_EQ(std::string_view(out, writeChunkHeader(size, out)), expected);
    }
}

}  // namespace
}  // namespace evergate::http
