// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/request_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace evergate::http2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using Status = RequestText::Status;

constexpr std::string_view kKey = "AAAAAAAAAAAAAAAAAAAAAA==";

Fields get(Fields more = {}) {
    Fields all{
        {":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/x?y"}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

struct Outcome {
    Status status = Status::malformed;
    RequestText text;
};

Outcome run(const Fields& fields, bool endStream = true, http::HeadLimits limits = {}) {
    Outcome outcome;
    outcome.text.begin(limits);
    for (const auto& [name, value] : fields)
        outcome.text.add(name, value);
    outcome.status = outcome.text.finish(endStream, kKey);
    return outcome;
}

TEST(RequestText, WritesAHead) {
    const Outcome outcome = run(get({{"accept", "*/*"}, {"te", "trailers"}}));
    ASSERT_EQ(outcome.status, Status::complete);
    EXPECT_EQ(outcome.text.text(),
              "GET /x?y HTTP/1.1\r\nHost: a.example\r\naccept: */*\r\nte: trailers\r\n\r\n");
}

TEST(RequestText, JoinsCookieCrumbs) {
    const Outcome outcome = run(get({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}}));
    EXPECT_THAT(outcome.text.text(), testing::HasSubstr("\r\ncookie: a=1; b=2\r\n"));
}

// "a=1; " would be a value with a space at its end, which is none (RFC 9110 §5.5).
TEST(RequestText, LeavesEmptyCookieCrumbsOut) {
    const Outcome outcome = run(get(
        {{"cookie", ""}, {"cookie", "a=1"}, {"cookie", ""}, {"cookie", "b=2"}, {"cookie", ""}}));
    EXPECT_THAT(outcome.text.text(), testing::HasSubstr("\r\ncookie: a=1; b=2\r\n"));
}

TEST(RequestText, FramesTheBody) {
    EXPECT_THAT(run(get(), false).text.text(),
                testing::HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_TRUE(run(get(), false).text.chunked());
    EXPECT_THAT(run(get({{"content-length", "3"}}), false).text.text(),
                testing::Not(testing::HasSubstr("chunked")));
    Fields post = get();
    post[0].second = "POST";
    EXPECT_THAT(run(post).text.text(), testing::HasSubstr("Content-Length: 0\r\n"));
}

TEST(RequestText, TakesHostForAuthority) {
    Fields fields = get({{"host", "b.example"}});
    EXPECT_EQ(run(fields).status, Status::malformed);
    fields[4].second = "A.EXAMPLE:443";
    EXPECT_EQ(run(fields).status, Status::complete);
    fields.erase(fields.begin() + 2);
    EXPECT_THAT(run(fields).text.text(), testing::HasSubstr("Host: A.EXAMPLE:443\r\n"));
}

TEST(RequestText, RefusesWhatIsNoRequest) {
    const std::vector<Fields> all{
        {},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}},
        get({{":path", "/"}}),
        get({{"x", "y"}, {":authority", "a"}}),
        get({{":status", "200"}}),
        get({{":protocol", "websocket"}}),
        get({{"X-Upper", "y"}}),
        get({{"", "y"}}),
        get({{"a b", "y"}}),
        get({{"x", "a\r\nEvil: 1"}}),
        get({{"x", " y"}}),
        get({{"x", "y\t"}}),
        get({{"connection", "close"}}),
        get({{"keep-alive", "1"}}),
        get({{"proxy-connection", "x"}}),
        get({{"transfer-encoding", "chunked"}}),
        get({{"upgrade", "h2c"}}),
        get({{"te", "gzip"}}),
        get({{"host", "a.example"}, {"host", "b.example"}}),
        {{":method", "GE T"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "x"}},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "*"}},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/ HTTP/1.1"}},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a\r\n"}, {":path", "/"}},
    };
    for (std::size_t i = 0; i < all.size(); ++i)
        EXPECT_EQ(run(all[i]).status, Status::malformed) << i;
}

TEST(RequestText, TurnsExtendedConnectIntoAnUpgrade) {
    const Fields fields{{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"},
                        {":path", "/chat"},     {":authority", "a"},        {"origin", "b"}};
    const Outcome outcome = run(fields, false);
    ASSERT_EQ(outcome.status, Status::complete);
    EXPECT_TRUE(outcome.text.webSocket());
    EXPECT_FALSE(outcome.text.chunked());
    EXPECT_EQ(outcome.text.text(),
              "GET /chat HTTP/1.1\r\nHost: a\r\norigin: b\r\nConnection: Upgrade\r\n"
              "Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
}

TEST(RequestText, ATunnelHasNoLength) {
    const Fields fields{{":method", "CONNECT"}, {":protocol", "websocket"},
                        {":scheme", "https"},   {":path", "/chat"},
                        {":authority", "a"},    {"content-length", "5"}};
    const Outcome outcome = run(fields, false);
    ASSERT_EQ(outcome.status, Status::complete);
    EXPECT_EQ(outcome.text.text().find("content-length"), std::string::npos);
}

TEST(RequestText, ServesNoOtherTunnel) {
    for (const Fields& fields : {Fields{{":method", "CONNECT"}, {":authority", "a:443"}},
                                 Fields{{":method", "CONNECT"},
                                        {":protocol", "connect-udp"},
                                        {":scheme", "https"},
                                        {":path", "/"},
                                        {":authority", "a"}}}) {
        const Outcome outcome = run(fields);
        EXPECT_EQ(outcome.status, Status::refused);
        EXPECT_EQ(outcome.text.error(), http::ProxyError::methodNotSupported);
    }
}

TEST(RequestText, BoundsWhatAHeadMayBe) {
    const http::HeadLimits limits{1'024, 8};
    const Outcome large = run(get({{"x", std::string(2'000, 'x')}}), true, limits);
    EXPECT_EQ(large.status, Status::refused);
    EXPECT_EQ(large.text.error(), http::ProxyError::headTooLarge);
    Fields many = get();
    for (int i = 0; i < 20; ++i)
        many.emplace_back("x", "y");
    EXPECT_EQ(run(many, true, limits).text.error(), http::ProxyError::headTooLarge);
    RequestText bomb;
    bomb.begin(limits);
    int taken = 0;
    while (taken < 100 && bomb.add("x", std::string(500, 'x')))
        ++taken;
    EXPECT_LT(taken, 10);
}

TEST(RequestText, StartsAnew) {
    RequestText text;
    text.begin({});
    text.add(":method", "BAD METHOD");
    EXPECT_EQ(text.finish(true, kKey), Status::malformed);
    text.begin({});
    for (const auto& [name, value] : get())
        text.add(name, value);
    EXPECT_EQ(text.finish(true, kKey), Status::complete);
}

TEST(RequestTrailer, LeavesOutWhatMayNotStandThere) {
    std::string out;
    EXPECT_TRUE(appendTrailer("x-sum", "1", out));
    EXPECT_TRUE(appendTrailer("content-length", "1", out));
    EXPECT_TRUE(appendTrailer("host", "a", out));
    EXPECT_EQ(out, "x-sum: 1\r\n");
    for (const auto& [name, value] :
         Fields{{":path", "/"}, {"X", "1"}, {"connection", "x"}, {"x", "a\r\nb: c"}, {"a:b", "1"}})
        EXPECT_FALSE(appendTrailer(name, value, out)) << name;
}

}  // namespace
}  // namespace evergate::http2
