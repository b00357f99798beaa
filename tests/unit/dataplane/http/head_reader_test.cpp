// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/head_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::http {
namespace {

using Line = HeadReader::Line;

TEST(HeadReader, SplitsLinesAtCrlf) {
    HeadReader reader("one\r\n\r\nrest");
    std::string_view line;
    ASSERT_EQ(reader.nextLine(line), Line::complete);
    EXPECT_EQ(line, "one");
    ASSERT_EQ(reader.nextLine(line), Line::complete);
    EXPECT_EQ(line, "");
    EXPECT_EQ(std::string_view(reader.position(), 4), "rest");
    EXPECT_EQ(reader.nextLine(line), Line::incomplete);
}

TEST(HeadReader, RefusesControlBytes) {
    const std::pair<std::string, const char*> cases[] = {{"a\nb\r\n", "bare LF"},
                                                         {"a\rb\r\n", "bare CR"},
                                                         {std::string("a\0b\r\n", 5), "NUL byte"},
                                                         {"a\x7F\r\n", "control byte"}};
    for (const auto& [bytes, detail] : cases) {
        HeadReader reader(bytes);
        std::string_view line;
        ASSERT_EQ(reader.nextLine(line), Line::bad) << detail;
        EXPECT_STREQ(reader.detail(), detail);
    }
}

TEST(HeadReader, ReadsAgainOnlyWhenALineHasEnded) {
    EXPECT_FALSE(isWorthReading("GET / HT", 4));
    EXPECT_FALSE(isWorthReading("GET /\r", 4));
    EXPECT_TRUE(isWorthReading("GET /\r\n", 4));
    EXPECT_TRUE(isWorthReading("GET /\r\n", 6));  // the CR was the last byte scanned
    EXPECT_TRUE(isWorthReading("GET \n", 4));
}

TEST(TransferEncoding, IsOneChunkedInHttp11WithoutLength) {
    FramingFields seen{"", "Chunked", 0, 1};
    EXPECT_EQ(checkTransferEncoding(seen, 1), nullptr);
    EXPECT_STREQ(checkTransferEncoding(seen, 0), "Transfer-Encoding in HTTP/1.0");
    seen.transferEncodings = 2;
    EXPECT_STREQ(checkTransferEncoding(seen, 1), "more than one Transfer-Encoding");
    seen = {"", "gzip, chunked", 0, 1};
    EXPECT_STREQ(checkTransferEncoding(seen, 1), "transfer coding other than chunked");
    seen = {"5", "chunked", 1, 1};
    EXPECT_STREQ(checkTransferEncoding(seen, 1), "Transfer-Encoding with Content-Length");
}

TEST(ContentLength, IsDecimalAndFitsInto63Bits) {
    std::uint64_t length = 0;
    EXPECT_TRUE(readContentLength("0", length));
    EXPECT_TRUE(readContentLength("9223372036854775807", length));
    EXPECT_EQ(length, 9223372036854775807u);
    for (const char* text :
         {"", "+1", "-1", "1 ", "0x1", "1,1", "9223372036854775808", "99999999999999999999"}) {
        EXPECT_FALSE(readContentLength(text, length)) << text;
    }
}

TEST(Connection, MarksTheFieldsItNames) {
    std::vector<HeaderField> fields(3);
    ASSERT_EQ(readField("Connection: close, X-Once", fields[0]), nullptr);
    ASSERT_EQ(readField("x-once: 1", fields[1]), nullptr);
    ASSERT_EQ(readField("X-Other: 1", fields[2]), nullptr);
    ConnectionOptions options;
    ASSERT_EQ(readConnection(fields, options), nullptr);
    EXPECT_TRUE(options.close);
    EXPECT_FALSE(options.keepAlive);
    EXPECT_TRUE(fields[1].hopByHop);
    EXPECT_FALSE(fields[2].hopByHop);
}

TEST(Connection, BoundsItsOptions) {
    std::string line = "Connection: a";
    for (int i = 0; i < 40; ++i) {
        line += ", a";
    }
    std::vector<HeaderField> fields(1);
    ASSERT_EQ(readField(line, fields[0]), nullptr);
    ConnectionOptions options;
    EXPECT_STREQ(readConnection(fields, options), "too many Connection options");
}

}  // namespace
}  // namespace evergate::http
