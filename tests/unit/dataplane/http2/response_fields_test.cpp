// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/response_fields.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::http2 {
namespace {

std::string textOf(const ResponseFields& fields) {
    std::string text;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const nghttp2_nv& field = fields.data()[i];
        text.append(reinterpret_cast<const char*>(field.name), field.namelen).append("=");
        text.append(reinterpret_cast<const char*>(field.value), field.valuelen).append(";");
    }
    return text;
}

http::ResponseHead parse(const std::string& text) {
    http::ResponseHead head;
    std::size_t scanned = 0;
    EXPECT_EQ(http::parseResponseHead(text, {}, false, scanned, head).status,
              http::ParseStatus::complete);
    return head;
}

TEST(ResponseFields, LeaveTheConnectionOut) {
    const std::string text =
        "HTTP/1.1 404 Not Found\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\n"
        "Transfer-Encoding: chunked\r\nDate: now\r\nSet-Cookie: a\r\n\r\n";
    ResponseFields fields;
    fields.set(parse(text), 404);
    EXPECT_EQ(textOf(fields), ":status=404;Date=now;Set-Cookie=a;");
}

TEST(ResponseFields, MakeAnUpgradeAPlainAnswer) {
    const std::string text =
        "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
    ResponseFields fields;
    fields.set(parse(text), 200);
    EXPECT_EQ(textOf(fields), ":status=200;Sec-WebSocket-Protocol=chat;");
}

TEST(ResponseFields, KeepWhatIsSaidOnceOutOfTheTable) {
    const std::string text =
        "HTTP/1.1 200 OK\r\nX-Request-Id: 1\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n";
    ResponseFields fields;
    fields.set(parse(text), 200);
    ASSERT_EQ(fields.size(), 4u);
    EXPECT_EQ(fields.data()[1].flags, NGHTTP2_NV_FLAG_NO_INDEX);
    EXPECT_EQ(fields.data()[2].flags, NGHTTP2_NV_FLAG_NONE);
}

TEST(ResponseFields, TakeTrailersApart) {
    ResponseFields fields;
    fields.setTrailers("Grpc-Status: 0\r\nX: a: b\r\n");
    EXPECT_EQ(textOf(fields), "Grpc-Status=0;X=a: b;");
    fields.setTrailers("");
    EXPECT_EQ(fields.size(), 0u);
}

}  // namespace
}  // namespace evergate::http2
