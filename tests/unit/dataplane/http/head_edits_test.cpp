// SPDX-License-Identifier: Apache-2.0
// What routes change in heads that pass.
#include "dataplane/http/head_edits.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using Names = std::vector<std::string>;

constexpr ForwardedFacts kFacts{"10.0.0.9", "http", 80};

// Into exactly the promised room, so that a write past it is seen by the sanitizer.
std::string request(const std::string& lines, const Names& drop, std::string_view add) {
    const auto parsed = testing::parseRequest("GET /a HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
    EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    const HeadEdits edits{&drop, add, {}};
    const std::size_t bound = composedSizeBound(parsed.head, kFacts) + edits.size();
    const std::unique_ptr<char[]> out(new char[bound]);
    const std::size_t length = composeRequest(parsed.head, kFacts, out.get(), &edits);
    EXPECT_LE(length, bound);
    return {out.get(), length};
}

std::string response(const std::string& lines, const Names& drop, std::string_view add,
                     std::string_view more = {}) {
    const auto parsed = testing::parseResponse("HTTP/1.1 200 OK\r\n" + lines + "\r\n");
    EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    const HeadEdits edits{&drop, add, more};
    const std::size_t bound = composedSizeBound(parsed.head) + edits.size();
    const std::unique_ptr<char[]> out(new char[bound]);
    ResponseFacts facts;
    facts.framing = parsed.head.framing;
    facts.date = "now";
    facts.edits = &edits;
    char* const end = out.get() + bound;
    return {composeResponseBefore(parsed.head, facts, end), end};
}

TEST(HeadEdits, AddAndRemoveInRequests) {
    EXPECT_EQ(request("X-One: 1\r\nx-TWO: 2\r\nX-Two: 3\r\nX-Three: 4\r\n", {"x-two", "x-new"},
                      "x-new: 5\r\n"),
              "GET /a HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-Three: 4\r\n"
              "X-Forwarded-For: 10.0.0.9\r\nX-Real-IP: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n"
              "X-Forwarded-Host: a\r\nX-Forwarded-Port: 80\r\nx-new: 5\r\n\r\n");
}

TEST(HeadEdits, HaveTheLastWordOnForwardedFields) {
    EXPECT_EQ(request("X-Forwarded-For: 1.2.3.4\r\n",
                      {"x-forwarded-for", "x-real-ip", "x-forwarded-proto", "x-forwarded-host",
                       "x-forwarded-port"},
                      "x-forwarded-proto: https\r\n"),
              "GET /a HTTP/1.1\r\nHost: a\r\nx-forwarded-proto: https\r\n\r\n");
}

// Also what a backend would take for the same name.
TEST(HeadEdits, DropWhatClientsSayOfTheirCertificates) {
    const auto parsed = testing::parseRequest(
        "GET / HTTP/1.1\r\nHost: a\r\nX-SSL-Client-Verify: SUCCESS\r\nx_ssl_client_Subject: "
        "CN=a\r\n"
        "X-Ssl_Client-Whatever: b\r\nX-SSL-Clients: c\r\nX-SSL-Client-: d\r\n\r\n");
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    for (const bool drop : {true, false}) {
        const HeadEdits edits{nullptr, {}, "X-SSL-Client-Verify: NONE\r\n", drop};
        const std::size_t bound = composedSizeBound(parsed.head, kFacts) + edits.size();
        const std::unique_ptr<char[]> out(new char[bound]);
        const std::string_view text(out.get(),
                                    composeRequest(parsed.head, kFacts, out.get(), &edits));
        EXPECT_EQ(text.find("SUCCESS") == text.npos, drop);
        EXPECT_EQ(text.find("CN=a") == text.npos, drop);
        EXPECT_EQ(text.find("Whatever") == text.npos, drop);
        EXPECT_NE(text.find("X-SSL-Clients: c\r\n"), text.npos);
        EXPECT_NE(text.find("X-SSL-Client-: d\r\n"), text.npos);
        EXPECT_NE(text.find("X-SSL-Client-Verify: NONE\r\n"), text.npos);
    }
}

TEST(HeadEdits, AddAndRemoveInResponses) {
    EXPECT_EQ(response("X-Powered-By: y\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n",
                       {"x-powered-by", "x-new"}, "x-new: 5\r\n", "Set-Cookie: c=d\r\n"),
              "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nDate: now\r\n"
              "x-new: 5\r\nSet-Cookie: c=d\r\nContent-Length: 3\r\n\r\n");
}

TEST(HeadEdits, RemovedServerIsNotReplacedByOurs) {
    EXPECT_EQ(response("Server: y\r\nContent-Length: 0\r\n", {"server", "date"}, ""),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(response("Content-Length: 0\r\n", {"server", "date"}, "server: z\r\n"),
              "HTTP/1.1 200 OK\r\nserver: z\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace evergate::http
