// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/request_fields.hpp"

#include <gtest/gtest.h>

#include <string>

#include "dataplane/http/character_classes.hpp"

namespace evergate::http2 {
namespace {

// Names in lower case, as they are sent.
std::string told(const RequestFields& fields) {
    std::string all;
    for (const hpack::Field& field : fields.all()) {
        for (const char c : field.name)
            all.push_back(http::toLower(c));
        all.append(field.indexable ? "=" : "!").append(field.value).append("\n");
    }
    return all;
}

std::string fieldsOf(const std::string& text, bool tunnel = false) {
    http::RequestHead head;
    std::size_t scanned = 0;
    const auto result = http::parseRequestHead(text, {}, scanned, head);
    EXPECT_EQ(result.status, http::ParseStatus::complete) << result.detail;
    RequestFields fields;
    fields.assign(head, "http", tunnel);
    return told(fields);
}

TEST(RequestFields, PutsTheTargetInFront) {
    EXPECT_EQ(fieldsOf("GET /a?b=c HTTP/1.1\r\nHost: shop.test:80\r\nX-Forwarded-For: ::1\r\n\r\n"),
              ":method=GET\n:scheme=http\n:authority=shop.test:80\n:path=/a?b=c\n"
              "x-forwarded-for=::1\n");
    EXPECT_EQ(fieldsOf("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
              ":method=OPTIONS\n:scheme=http\n:authority=a\n:path=*\n");
}

TEST(RequestFields, LeavesOutWhatBelongsToTheConnection) {
    EXPECT_EQ(fieldsOf("POST / HTTP/1.1\r\nHost: a\r\nConnection: X-Mine, close\r\nX-Mine: 1\r\n"
                       "Keep-Alive: 1\r\nProxy-Connection: a\r\nTransfer-Encoding: chunked\r\n"
                       "Trailer: X-End\r\nHTTP2-Settings: a\r\nX-Yours: 2\r\n\r\n"),
              ":method=POST\n:scheme=http\n:authority=a\n:path=/\ntrailer=X-End\nx-yours=2\n");
}

TEST(RequestFields, KeepsLengthExpectationAndTrailers) {
    EXPECT_EQ(fieldsOf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                       "Expect: 100-continue\r\nConnection: TE\r\nTE: trailers, gzip\r\n\r\n"),
              ":method=POST\n:scheme=http\n:authority=a\n:path=/\ncontent-length=5\n"
              "expect=100-continue\nte=trailers\n");
}

TEST(RequestFields, KeepsSecretsOutOfTheSharedTable) {
    EXPECT_EQ(
        fieldsOf("GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nAuthorization: Basic x\r\n\r\n"),
        ":method=GET\n:scheme=http\n:authority=a\n:path=/\ncookie!a=b\n"
        "authorization!Basic x\n");
}

TEST(RequestFields, KeepsWhatIsSaidOnceOutOfTheTable) {
    EXPECT_EQ(fieldsOf("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: 1\r\ngrpc-timeout: 1S\r\n\r\n"),
              ":method=GET\n:scheme=http\n:authority=a\n:path=/\nx-request-id!1\n"
              "grpc-timeout!1S\n");
}

TEST(RequestFields, AsksForATunnelOnlyWhenTold) {
    const std::string text =
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n\r\n";
    EXPECT_EQ(fieldsOf(text, true),
              ":method=CONNECT\n:protocol=websocket\n:scheme=http\n:authority=a\n:path=/chat\n"
              "sec-websocket-version=13\n");
    EXPECT_EQ(fieldsOf(text),
              ":method=GET\n:scheme=http\n:authority=a\n:path=/chat\nsec-websocket-key=abc\n"
              "sec-websocket-version=13\n");
}

TEST(RequestFields, TakesTrailersApart) {
    RequestFields fields;
    fields.assignTrailers("X-Sum: 1\r\nEmpty: \r\nnonsense\r\nX-Last:2");
    EXPECT_EQ(told(fields), "x-sum=1\nempty=\nx-last=2\n");
}

}  // namespace
}  // namespace evergate::http2
