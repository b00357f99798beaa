// SPDX-License-Identifier: Apache-2.0
#include "controller/client/response_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::controller::client {
namespace {

constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n";

struct Read {
    std::string body;
    ResponseParser parser{[this](std::string_view piece) {
        body += piece;
        return true;
    }};
    bool ok = true;

    explicit Read(std::string_view text, std::size_t size = 1000) {
        for (std::size_t at = 0; ok && at < text.size(); at += size) {
            ok = parser.feed(text.substr(at, size));
        }
    }
};

TEST(ResponseParser, HandsOnAChunkedBodyOverAnySplit) {
    for (std::size_t size = 1; size <= kChunked.size(); ++size) {
        const Read read(kChunked, size);
        EXPECT_TRUE(read.ok) << size << read.parser.error();
        EXPECT_TRUE(read.parser.done());
        EXPECT_TRUE(read.parser.keepAlive());
        EXPECT_EQ(read.body, "hello, world");
        EXPECT_EQ(read.parser.head().status, 200U);
    }
}

TEST(ResponseParser, HandsOnBytesBeforeTheChunkIsWhole) {
    const Read read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nfirst");
    EXPECT_TRUE(read.parser.headDone());
    EXPECT_EQ(read.body, "first");
    EXPECT_FALSE(read.parser.done());
}

TEST(ResponseParser, ReadsLengthAndRetryAfter) {
    const Read read(
        "HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 2\r\nConnection: "
        "close\r\n\r\nno");
    EXPECT_TRUE(read.parser.done());
    EXPECT_EQ(read.parser.head().status, 429U);
    EXPECT_EQ(read.parser.head().retryAfter, std::chrono::seconds(3));
    EXPECT_FALSE(read.parser.keepAlive());
}

TEST(ResponseParser, SkipsInterimResponses) {
    const Read read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                    3);
    EXPECT_TRUE(read.parser.done());
    EXPECT_EQ(read.parser.head().status, 200U);
    EXPECT_EQ(read.body, "x");
}

TEST(ResponseParser, KnowsWhetherAnEndIsTheEnd) {
    Read untilClose("HTTP/1.1 200 OK\r\n\r\nall of it");
    EXPECT_FALSE(untilClose.parser.done());
    EXPECT_TRUE(untilClose.parser.finish());
    EXPECT_EQ(untilClose.body, "all of it");
    for (std::size_t size = 0; size < kChunked.size(); ++size) {
        Read cut(kChunked.substr(0, size));
        EXPECT_FALSE(cut.parser.finish()) << size;
    }
}

TEST(ResponseParser, RefusesWhatIsNoResponse) {
    EXPECT_FALSE(Read("SSH-2.0-OpenSSH\r\n").ok);
    EXPECT_FALSE(Read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n").ok);
    const Read trailing("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy");
    EXPECT_FALSE(trailing.parser.keepAlive());
    EXPECT_FALSE(Read("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')).ok);
}

TEST(ResponseParser, StopsWhenTheReceiverSaysSo) {
    ResponseParser parser([](std::string_view) { return false; });
    EXPECT_FALSE(parser.feed(kChunked));
    EXPECT_EQ(parser.error(), "");
    EXPECT_FALSE(parser.done());
}

}  // namespace
}  // namespace evergate::controller::client
