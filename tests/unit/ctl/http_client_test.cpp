// SPDX-License-Identifier: Apache-2.0
#include "ctl/http_client.hpp"

#include <gmock/gmock.h>

#include "tests/unit/ctl/canned_server.hpp"

namespace evergate::ctl {
namespace {

using ::testing::HasSubstr;

TEST(HttpClient, ReadsBaseUrls) {
    EXPECT_EQ(parseBaseUrl("http://127.0.0.1:9302"), (BaseUrl{"127.0.0.1", "9302"}));
    EXPECT_EQ(parseBaseUrl("http://[::1]:9302/"), (BaseUrl{"::1", "9302"}));
    EXPECT_EQ(parseBaseUrl("http://node-1"), (BaseUrl{"node-1", "80"}));
    for (const char* text :
         {"", "127.0.0.1:9302", "https://a", "http://", "http://a/b", "http://a:", "http://a:b",
          "http://[::1", "http://a b", "http://a\r\n", "http://::1"}) {
        EXPECT_FALSE(parseBaseUrl(text)) << text;
    }
}

TEST(HttpClient, EncodesAllButUnreserved) {
    EXPECT_EQ(percentEncode("aZ0-._~ /?&=%\xc3\n"), "aZ0-._~%20%2F%3F%26%3D%25%C3%0A");
}

TEST(HttpClient, FetchesAnAnswer) {
    CannedServer server({{"GET /a?b=c", {503, "{\"error\":\"x\"}"}}});
    const auto fetched = fetch(server.base(), "GET", "/a?b=c", std::chrono::seconds(20));
    const auto& answer = std::get<HttpAnswer>(fetched);
    EXPECT_EQ(answer.status, 503u);
    EXPECT_EQ(answer.body, "{\"error\":\"x\"}");
}

TEST(HttpClient, SaysWhenNobodyListens) {
    const auto fetched = fetch(unusedAddress(), "GET", "/", std::chrono::seconds(20));
    EXPECT_THAT(std::get<Unreachable>(fetched).what, HasSubstr("refused"));
}

TEST(HttpClient, GivesUpAtTheDeadline) {
    const SilentServer server;
    const auto fetched = fetch(server.base(), "GET", "/", std::chrono::milliseconds(20));
    EXPECT_EQ(std::get<Unreachable>(fetched).what, "no answer within 20 ms");
}

}  // namespace
}  // namespace evergate::ctl
