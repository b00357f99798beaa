// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/response_fields.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "dataplane/http/compose.hpp"
#include "dataplane/http/composed_head.hpp"

namespace evergate::http2 {
namespace {

std::string textOf(const ResponseFields& fields) {
    std::string text;
    for (const hpack::Field& field : fields.all())
        text.append(field.name).append("=").append(field.value).append(";");
    return text;
}

std::string lower(std::string text) {
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
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

// What a client got before heads were handed over as fields: text, read again.
std::string byWayOfText(const http::ResponseHead& head, const http::ResponseFacts& facts,
                        std::string& space) {
    space.resize(http::composedSizeBound(head) + facts.added());
    char* const end = space.data() + space.size();
    const char* const begin = http::composeResponseBefore(head, facts, end);
    http::ResponseHead composed;
    EXPECT_EQ(
        http::readComposedResponse({begin, static_cast<std::size_t>(end - begin)}, false, composed),
        http::ParseStatus::complete);
    ResponseFields fields;
    fields.set(composed, head.status);
    return lower(textOf(fields));
}

TEST(ResponseFields, AreThoseOfTheTextThatWouldBeComposed) {
    const std::vector<std::string> drop{"x-secret", "via"};
    const http::HeadEdits edits{&drop, "X-Added: 1\r\nX-More: a b\r\n", "Set-Cookie: a=b\r\n"};
    const http::HeadEdits none;
    using http::Framing;
    for (const char* const fields :
         {"", "Date: then\r\n", "Server: theirs\r\nX-Secret: 1\r\n", "Trailer: x-sum\r\n",
          "Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: Basic\r\n",
          "X-Request-Id: 5\r\nVia: 1.0 a\r\nSet-Cookie: c\r\nSet-Cookie: d\r\n"}) {
        for (const char* const length : {"", "Content-Length: 12\r\n", "Content-Length: 0\r\n"}) {
            const std::string text =
                std::string("HTTP/1.1 404 Not Found\r\n") + fields + length + "\r\n";
            const http::ResponseHead head = parse(text);
            for (const http::HeadEdits* const edited :
                 {static_cast<const http::HeadEdits*>(nullptr), &none, &edits}) {
                for (const char* const name : {"", "us"}) {
                    http::ResponseFacts facts{true,  http::kHttp2, head.framing, false,
                                              "now", edited,       name,         name};
                    std::string space;
                    ResponseFields direct;
                    EXPECT_GT(direct.assign(head, facts), 12u);
                    const std::string got = lower(textOf(direct));
                    if (head.framing == Framing::untilClose)
                        facts.framing = Framing::chunked;
                    EXPECT_EQ(got, byWayOfText(head, facts, space)) << text;
                }
            }
        }
    }
}

TEST(ResponseFields, SayTheLengthOfWhatHeadDidNotGet) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    http::ResponseHead head = parse(text);
    head.framing = http::Framing::none;
    ResponseFields fields;
    fields.assign(head, {.framing = http::Framing::none});
    EXPECT_EQ(textOf(fields), ":status=200;content-length=7;");
}

TEST(ResponseFields, KeepWhatIsSaidOnceOutOfTheTable) {
    const std::string text =
        "HTTP/1.1 200 OK\r\nX-Request-Id: 1\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n";
    ResponseFields fields;
    fields.set(parse(text), 200);
    ASSERT_EQ(fields.all().size(), 4u);
    EXPECT_FALSE(fields.all()[1].indexable);
    EXPECT_TRUE(fields.all()[2].indexable);
}

TEST(ResponseFields, TakeTrailersApart) {
    ResponseFields fields;
    fields.setTrailers("Grpc-Status: 0\r\nX: a: b\r\n");
    EXPECT_EQ(textOf(fields), "Grpc-Status=0;X=a: b;");
    fields.setTrailers("");
    EXPECT_TRUE(fields.empty());
}

}  // namespace
}  // namespace evergate::http2
