// SPDX-License-Identifier: Apache-2.0
// What is read back of our own heads is what the strict parser reads of them.
#include "dataplane/http/composed_head.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "dataplane/http/compose.hpp"
#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::parseRequest;
using testing::parseResponse;

void expectSameFields(const std::vector<HeaderField>& read,
                      const std::vector<HeaderField>& parsed) {
    ASSERT_EQ(read.size(), parsed.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
        EXPECT_EQ(read[i].name, parsed[i].name);
        EXPECT_EQ(read[i].value, parsed[i].value);
        EXPECT_EQ(read[i].id, parsed[i].id) << read[i].name;
        EXPECT_EQ(read[i].hopByHop, parsed[i].hopByHop) << read[i].name;
    }
}

std::string composed(const std::string& text) {
    const auto parsed = parseRequest(text);
    EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    const ForwardedFacts facts{"10.0.0.9", "http", 80};
    const std::unique_ptr<char[]> out(new char[composedSizeBound(parsed.head, facts)]);
    return {out.get(), composeRequest(parsed.head, facts, out.get())};
}

TEST(ComposedHead, ReadsRequestsAsTheParserDoes) {
    for (const char* text :
         {"GET /a?b=c HTTP/1.1\r\nHost: a.test:80\r\nUser-Agent: x\r\nX-Empty:\r\n\r\n",
          "HEAD / HTTP/1.1\r\nHost: a\r\nAccept: a: b\r\n\r\n",
          "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n",
          "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nCookie: a=b; c=d\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nConnection: TE\r\n"
          "TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n",
          "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Key: abc\r\n\r\n"}) {
        const std::string head = composed(text);
        const auto parsed = parseRequest(head);
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << head;
        const std::string more = head + "BODY\r\n\r\n";
        RequestHead read;
        ASSERT_EQ(readComposedRequest(more, read), ParseStatus::complete) << head;
        EXPECT_EQ(read.headBytes, head.size());
        EXPECT_EQ(read.method, parsed.head.method);
        EXPECT_EQ(read.target, parsed.head.target);
        EXPECT_EQ(read.path, parsed.head.path);
        EXPECT_EQ(read.authority, parsed.head.authority);
        EXPECT_EQ(read.framing, parsed.head.framing) << head;
        EXPECT_EQ(read.contentLength, parsed.head.contentLength);
        EXPECT_EQ(read.upgrade, parsed.head.upgrade);
        EXPECT_EQ(read.teTrailers, parsed.head.teTrailers);
        EXPECT_EQ(read.head, parsed.head.head);
        expectSameFields(read.fields, parsed.head.fields);
    }
}

TEST(ComposedHead, TakesARequestWithoutAHost) {
    const std::string head = composed("GET / HTTP/1.0\r\nX-A: b\r\n\r\n");
    RequestHead read;
    ASSERT_EQ(readComposedRequest(head, read), ParseStatus::complete);
    EXPECT_EQ(read.authority, "");
    EXPECT_EQ(read.target, "/");
}

TEST(ComposedHead, ReadsResponsesAsTheParserDoes) {
    for (const bool toHead : {false, true}) {
        for (const char* text :
             {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b: c\r\nX-B:d\r\nX-C: \t e \r\n\r\n",
              "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
              "HTTP/1.1 200 OK\r\nConnection: close\r\nDate: now\r\n\r\n",
              "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "HTTP/1.1 100 \r\n\r\n",
              "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
              "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
              "HTTP/1.1 503 \r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
              "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Accept: x\r\n\r\n"}) {
            const auto parsed = parseResponse(text, toHead);
            ASSERT_EQ(parsed.result.status, ParseStatus::complete) << text;
            ResponseHead read;
            ASSERT_EQ(readComposedResponse(*parsed.bytes, toHead, read), ParseStatus::complete);
            EXPECT_EQ(read.headBytes, parsed.head.headBytes);
            EXPECT_EQ(read.status, parsed.head.status);
            EXPECT_EQ(read.reason, parsed.head.reason);
            EXPECT_EQ(read.framing, parsed.head.framing) << text;
            EXPECT_EQ(read.contentLength, parsed.head.contentLength) << text;
            EXPECT_EQ(read.hasLength, parsed.head.hasLength) << text;
            expectSameFields(read.fields, parsed.head.fields);
        }
    }
}

TEST(ComposedHead, WaitsForTheEmptyLine) {
    const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    RequestHead requestHead;
    ResponseHead responseHead;
    for (std::size_t size = 0; size < request.size(); ++size)
        EXPECT_EQ(readComposedRequest(request.substr(0, size), requestHead),
                  ParseStatus::incomplete);
    for (std::size_t size = 0; size < response.size(); ++size)
        EXPECT_EQ(readComposedResponse(response.substr(0, size), false, responseHead),
                  ParseStatus::incomplete);
}

TEST(ComposedHead, RefusesWhatIsNoHead) {
    RequestHead request;
    EXPECT_EQ(readComposedRequest("GET\r\n\r\n", request), ParseStatus::error);
    EXPECT_EQ(readComposedRequest("GET / HTTP/1.1\r\nnonsense\r\n\r\n", request),
              ParseStatus::error);
    ResponseHead response;
    EXPECT_EQ(readComposedResponse("HTTP/1.1\r\n\r\n", false, response), ParseStatus::error);
}

}  // namespace
}  // namespace evergate::http
