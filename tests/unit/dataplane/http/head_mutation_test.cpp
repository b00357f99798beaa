// SPDX-License-Identifier: Apache-2.0
// Damages valid heads in small ways, the same ways in every run: what we still take, Beast must
// take with the same fields and framing.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/dataplane/http/beast_oracle.hpp"
#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::differenceFromBeast;
using testing::parseRequest;
using testing::parseResponse;

constexpr std::string_view kPieces[] = {"\r\n",
                                        "\n",
                                        "\r",
                                        " ",
                                        "\t",
                                        ":",
                                        ",",
                                        ";",
                                        "0",
                                        "5",
                                        "-",
                                        "+",
                                        "a",
                                        "A",
                                        "/",
                                        "?",
                                        "#",
                                        "%",
                                        "@",
                                        "chunked",
                                        "close",
                                        "keep-alive",
                                        "upgrade",
                                        "Content-Length: 3\r\n",
                                        "HTTP/1.1",
                                        "HTTP/1.0",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Connection: close\r\n",
                                        "Host: b\r\n",
                                        "X: y\r\n",
                                        "\xff",
                                        std::string_view("\0", 1),
                                        "\x7f",
                                        "\v",
                                        "\r\n ",
                                        "\r\n\r\n",
                                        "100",
                                        "204",
                                        "304"};

class Mutator {
public:
    std::string mutate(std::string text) {
        const std::size_t count = 1 + pick(3);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = pick(text.size() + 1);
            switch (pick(3)) {
                case 0:
                    text.insert(at, kPieces[pick(std::size(kPieces))]);
                    break;
                case 1:
                    text.erase(at, 1 + pick(4));
                    break;
                default:
                    text.replace(at, std::min<std::size_t>(1, text.size() - at),
                                 kPieces[pick(std::size(kPieces))]);
                    break;
            }
        }
        return text;
    }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }

    std::mt19937 random_{20'261'121};
};

TEST(HeadMutation, AcceptedRequestsAgreeWithBeast) {
    const std::string seeds[] = {
        "GET /a?b HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nX:\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"};
    Mutator mutator;
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::string text = mutator.mutate(seeds[i % std::size(seeds)]);
        const auto parsed = parseRequest(text);
        if (parsed.result.status == ParseStatus::complete) {
            ++accepted;
            ASSERT_EQ(differenceFromBeast(text, parsed.head), "") << text;
        }
    }
    EXPECT_GT(accepted, 1'000);
}

TEST(HeadMutation, AcceptedResponsesAgreeWithBeast) {
    const std::string seeds[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\n", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"};
    Mutator mutator;
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::string text = mutator.mutate(seeds[i % std::size(seeds)]);
        const bool requestWasHead = i % 7 == 0;
        const auto parsed = parseResponse(text, requestWasHead);
        if (parsed.result.status == ParseStatus::complete) {
            ++accepted;
            ASSERT_EQ(differenceFromBeast(text, requestWasHead, parsed.head), "") << text;
        }
    }
    EXPECT_GT(accepted, 1'000);
}

}  // namespace
}  // namespace evergate::http
