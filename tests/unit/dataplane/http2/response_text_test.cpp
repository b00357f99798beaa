// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/response_text.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace evergate::http2 {
namespace {

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class ResponseTextTest : public testing::Test {
protected:
    // False: malformed.
    bool head(Fields fields, bool last = false) {
        text.begin(out);
        for (const auto& [name, value] : fields) {
            if (!text.add(name, value, out))
                return false;
        }
        return text.end(last, out);
    }

    void expectMalformed(Fields fields, std::string_view why, bool last = false) {
        text.reset(ResponseTo::usual);
        out.clear();
        EXPECT_FALSE(head(fields, last)) << why;
        EXPECT_EQ(text.problem(), why);
    }

    ResponseText text;
    std::string out;
};

TEST_F(ResponseTextTest, SaysLengthsOrNothing) {
    ASSERT_TRUE(head({{":status", "200"}, {"content-length", "5"}, {"x-a", " b "}}));
    EXPECT_EQ(out, "HTTP/1.1 200 \r\nx-a: b\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(text.framing(), http::Framing::length);
    EXPECT_EQ(text.length(), 5u);
    out.clear();
    text.reset(ResponseTo::usual);
    ASSERT_TRUE(head({{":status", "404"}}));
    EXPECT_EQ(out, "HTTP/1.1 404 \r\n\r\n");
    EXPECT_EQ(text.framing(), http::Framing::untilClose);
    EXPECT_EQ(text.trailers(), "");
}

TEST_F(ResponseTextTest, SaysThatNothingFollows) {
    ASSERT_TRUE(head({{":status", "200"}, {"grpc-status", "12"}}, true));
    EXPECT_EQ(out, "HTTP/1.1 200 \r\ngrpc-status: 12\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(text.framing(), http::Framing::none);
}

TEST_F(ResponseTextTest, KeepsTrailersApart) {
    ASSERT_TRUE(head({{":status", "200"}}));
    out.clear();
    ASSERT_TRUE(head({{"grpc-status", "0"}, {"content-length", "3"}, {"x-sum", "1"}}, true));
    EXPECT_EQ(out, "");
    EXPECT_EQ(text.trailers(), "grpc-status: 0\r\nx-sum: 1\r\n") << "no framing in a trailer";
}

TEST_F(ResponseTextTest, SaysNoLengthWhereTrailersAreAnnounced) {
    ASSERT_TRUE(head({{":status", "200"}, {"content-length", "5"}, {"trailer", "x-sum"}}));
    EXPECT_EQ(out, "HTTP/1.1 200 \r\ntrailer: x-sum\r\n\r\n");
    EXPECT_TRUE(text.knowsLength());
    ASSERT_TRUE(head({{"x-sum", "1"}}, true));
    EXPECT_EQ(text.trailers(), "x-sum: 1\r\n");
}

TEST_F(ResponseTextTest, ExpectsTrailersOfGrpc) {
    ASSERT_TRUE(head(
        {{":status", "200"}, {"content-length", "5"}, {"content-type", "application/grpc+proto"}}));
    EXPECT_EQ(out, "HTTP/1.1 200 \r\ncontent-type: application/grpc+proto\r\n\r\n");
    ASSERT_TRUE(head({{"grpc-status", "0"}}, true));
    EXPECT_EQ(text.trailers(), "grpc-status: 0\r\n");
}

TEST_F(ResponseTextTest, DropsTrailersBehindALength) {
    ASSERT_TRUE(head({{":status", "200"}, {"content-length", "5"}}));
    ASSERT_TRUE(head({{"x-sum", "1"}}, true));
    EXPECT_EQ(text.trailers(), "");
}

TEST_F(ResponseTextTest, BoundsTrailers) {
    ASSERT_TRUE(head({{":status", "200"}}));
    const std::string much(ResponseText::kMaxTrailers, 'x');
    EXPECT_FALSE(head({{"x-sum", much}}, true));
    EXPECT_STREQ(text.problem(), "header fields too large");
}

TEST_F(ResponseTextTest, KnowsResponsesWithoutABody) {
    text.reset(ResponseTo::head);
    ASSERT_TRUE(head({{":status", "200"}, {"content-length", "7"}}, true));
    EXPECT_EQ(out, "HTTP/1.1 200 \r\nContent-Length: 7\r\n\r\n");
    EXPECT_EQ(text.framing(), http::Framing::none);
    out.clear();
    text.reset(ResponseTo::usual);
    ASSERT_TRUE(head({{":status", "204"}, {"content-length", "0"}}, true));
    EXPECT_EQ(out, "HTTP/1.1 204 \r\n\r\n");
    out.clear();
    text.reset(ResponseTo::usual);
    ASSERT_TRUE(head({{":status", "304"}, {"content-length", "9"}}, true));
    EXPECT_EQ(out, "HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n");
}

TEST_F(ResponseTextTest, PassesInterimHeadsOn) {
    ASSERT_TRUE(head({{":status", "103"}, {"link", "</a>"}}));
    EXPECT_FALSE(text.final());
    ASSERT_TRUE(head({{":status", "200"}}, true));
    EXPECT_TRUE(text.final());
    EXPECT_EQ(out, "HTTP/1.1 103 \r\nlink: </a>\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ResponseTextTest, TurnsAnAcceptedTunnelInto101) {
    text.reset(ResponseTo::upgrade, "accepted");
    ASSERT_TRUE(head({{":status", "200"}, {"sec-websocket-protocol", "chat"}}));
    EXPECT_EQ(out,
              "HTTP/1.1 101 \r\nsec-websocket-protocol: chat\r\nConnection: Upgrade\r\n"
              "Upgrade: websocket\r\nSec-WebSocket-Accept: accepted\r\n\r\n");
    EXPECT_TRUE(text.isTunnel());
    out.clear();
    text.reset(ResponseTo::upgrade, "accepted");
    ASSERT_TRUE(head({{":status", "403"}}, true));
    EXPECT_EQ(out, "HTTP/1.1 403 \r\nContent-Length: 0\r\n\r\n");
    EXPECT_FALSE(text.isTunnel());
}

TEST_F(ResponseTextTest, RefusesWhatNoResponseMaySay) {
    expectMalformed({{"x-a", "b"}}, "no :status");
    expectMalformed({}, "no :status");
    expectMalformed({{":status", "200"}, {":status", "200"}}, "pseudo-header field out of place");
    expectMalformed({{":method", "GET"}}, "pseudo-header field out of place");
    for (const char* status : {"", "20", "2000", "0200", "099", "2x0", "-20"})
        expectMalformed({{":status", status}}, "bad :status");
    expectMalformed({{":status", "101"}}, "101 in HTTP/2");
    expectMalformed({{":status", "100"}}, "end after an interim response", true);
    for (const char* name : {"", "X-A", "a b", "a:b", "a\r\nb"})
        expectMalformed({{":status", "200"}, {name, "1"}}, "bad field name");
    for (const char* value : {"a\r\nb: c", "a\nb", "\x01"})
        expectMalformed({{":status", "200"}, {"a", value}}, "bad field value");
    for (const char* name :
         {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
        expectMalformed({{":status", "200"}, {name, "x"}}, "connection-specific field");
    for (const char* length : {"", "-1", "1,1", "x", "99999999999999999999"})
        expectMalformed({{":status", "200"}, {"content-length", length}}, "bad content-length");
    expectMalformed({{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}},
                    "bad content-length");
    expectMalformed({{":status", "200"}, {"content-length", "1"}}, "a length, but no body", true);
}

TEST_F(ResponseTextTest, RefusesBadTrailers) {
    ASSERT_TRUE(head({{":status", "200"}}));
    EXPECT_FALSE(head({{":status", "200"}}, true));
    EXPECT_FALSE(head({{"Upper", "1"}}, true));
    EXPECT_FALSE(head({{"x-a", "1"}}, false)) << "trailers end the stream";
}

TEST_F(ResponseTextTest, BoundsWhatAHeadMayHold) {
    text.begin(out);
    ASSERT_TRUE(text.add(":status", "200", out));
    const std::string large(1'000, 'a');
    std::size_t taken = 0;
    while (text.add("x-a", large, out))
        ++taken;
    EXPECT_STREQ(text.problem(), "header fields too large");
    EXPECT_LT(out.size(), ResponseText::kMaxHead + 1'100);
    EXPECT_GT(taken, 64u);
}

}  // namespace
}  // namespace evergate::http2
