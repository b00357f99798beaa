// SPDX-License-Identifier: Apache-2.0
// Responses of routes that compress: what the client gets, when, and what becomes of everything
// that may not be touched.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "dataplane/http/chunked.hpp"
#include "tests/support/content_decoder.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using Next = RawConnection::Next;
using http::ProxyError;

constexpr std::string_view kCodings[] = {"gzip", "br", "zstd"};

std::string prose(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i)
        text += "<li class=\"item\">" + std::to_string(i * 7919) + "</li>\n";
    text.resize(size);
    return text;
}

std::string noise(std::size_t size) {
    std::mt19937 random(11);
    std::string bytes(size, '\0');
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
    return bytes;
}

std::string get(std::string_view coding, std::string_view more = "") {
    return "GET /a HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + std::string(coding) + "\r\n" +
           std::string(more) + "\r\n";
}

// A response with Content-Length.
std::string whole(std::string_view fields, std::string_view body, std::string_view status = "200") {
    return "HTTP/1.1 " + std::string(status) + " X\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string chunk(std::string_view bytes) {
    char size[24];
    return std::string(size, http::writeChunkHeader(bytes.size(), size)) + std::string(bytes) +
           "\r\n";
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

constexpr std::string_view kHtml = "Content-Type: text/html\r\n";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

class HttpCompression : public testing::Test {
protected:
    HttpCompression() {
        withRoute([](model::Route&) {});
    }

    template <typename Change>
    void withRoute(Change change) {
        proxy.route().compress = {"zstd", "br", "gzip"};
        change(proxy.route());
        proxy.serve({endpoint.port()});
    }

    // `upstream` has the request of `client` then.
    void begin(std::string_view request) {
        if (!client.open())
            client = proxy.client();
        client.send(request);
        if (!upstream.open())
            upstream = endpoint.accept();
        received = upstream.readUntil("\r\n\r\n");
    }

    RawConnection::Response ask(std::string_view request, std::string_view answer) {
        begin(request);
        upstream.send(answer);
        return client.readResponse(request.starts_with("HEAD"));
    }

    // One chunk of what the client gets.
    std::string readChunk() {
        const std::size_t size = std::strtoul(client.readUntil("\r\n").c_str(), nullptr, 16);
        std::string bytes = client.readExactly(size);
        client.readExactly(2);
        return bytes;
    }

    // Reads until the decoder saw as much; what it saw.
    std::string readDecoded(ContentDecoder& decoder, std::size_t size) {
        std::string seen;
        while (seen.size() < size && !decoder.failed()) {
            const std::string bytes = readChunk();
            if (bytes.empty())
                break;
            seen += decoder.take(bytes);
        }
        return seen;
    }

    session::CompressionCounts counts() {
        session::CompressionCounts sum;
        for (const worker::WorkerStats& worker : proxy.stats())
            sum.add(worker.compression);
        return sum;
    }

    RawListener endpoint;
    ProxyFixture proxy;
    RawConnection client;
    RawConnection upstream;
    std::string received;
};

TEST_F(HttpCompression, EveryCodingOfEveryFraming) {
    for (const std::string_view coding : kCodings) {
        for (const std::size_t size : {1'024u, 5'000u, 200'000u}) {
            const std::string body = prose(size);
            const std::string text = "HTTP/1.1 200 OK\r\n" + std::string(kHtml);
            for (const std::string& answer :
                 {whole(kHtml, body),
                  text + "Transfer-Encoding: chunked\r\n\r\n" + chunk(body.substr(0, 7)) +
                      chunk(body.substr(7)) + "0\r\nX-Sum: 5\r\n\r\n",
                  text + "\r\n" + body}) {
                SCOPED_TRACE(std::string(coding) + answer.substr(0, 120));
                const bool untilClose = !has(answer, "Content-Length") && !has(answer, "chunked");
                begin(get(coding));
                upstream.send(answer);
                if (untilClose)
                    upstream.close();
                const auto response = client.readResponse();
                ASSERT_TRUE(response.complete);
                EXPECT_TRUE(has(response.head, "Content-Encoding: " + std::string(coding)));
                EXPECT_TRUE(has(response.head, "Vary: Accept-Encoding\r\n"));
                EXPECT_FALSE(has(response.head, "Content-Length"));
                EXPECT_EQ(has(response.head, "X-Sum: 5"), has(answer, "X-Sum: 5"));
                EXPECT_LT(response.body.size(), size / 2);
                EXPECT_TRUE(decodeContent(coding, response.body) == body);
            }
        }
    }
    EXPECT_TRUE(has(received, "Accept-Encoding: zstd\r\n"));  // the endpoint may do it itself
    const auto counted = counts();
    EXPECT_EQ(counted.responses[static_cast<std::size_t>(http::ContentCoding::br)], 9u);
    EXPECT_EQ(counted.denied, 0u);
    EXPECT_EQ(counted.bytesIn, 27u * (1'024 + 5'000 + 200'000) / 3);
    EXPECT_LT(counted.bytesOut, counted.bytesIn / 2);
}

TEST_F(HttpCompression, TenMegabytes) {
    const std::string body = prose(10'000'000);
    const std::string answer = whole(kHtml, body);
    ScriptedEndpoint big([&](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").size() > 4)
            connection.send(answer);
    });
    proxy.serve({big.port()});
    client = proxy.client();
    for (const std::string_view coding : kCodings) {
        client.send(get(coding));
        const auto response = client.readResponse();
        ASSERT_TRUE(response.complete);
        EXPECT_TRUE(decodeContent(coding, response.body) == body) << coding;
    }
    EXPECT_EQ(big.accepted(), 1);  // both connections are kept
}

TEST_F(HttpCompression, WhatStaysAsItIs) {
    const std::string body = prose(3'000);

    struct Case {
        std::string request;
        std::string answer;
        bool vary;
    };

    const std::string html(kHtml);
    for (const Case& each : std::initializer_list<Case>{
             {"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", whole(html, body), true},
             {get("identity"), whole(html, body), true},
             {get("deflate, gzip;q=0"), whole(html, body), true},
             {"GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n"
              "\r\n",
              whole(html, body), true},
             {get("gzip"), whole(html, prose(1'023)), false},
             {get("gzip"), whole(html, ""), false},
             {get("gzip"), whole("Content-Type: image/png\r\n", body), false},
             {get("gzip"), whole("", body), false},
             {get("gzip"), whole(html + "Content-Encoding: gzip\r\n", body), false},
             {get("gzip"), whole(html + "Cache-Control: no-transform\r\n", body), false},
             {get("gzip"), whole(html + "Content-Range: bytes 0-9/10\r\n", body, "206"), false},
             {get("gzip"), "HTTP/1.1 304 X\r\nETag: \"a\"\r\n\r\n", false},
             {get("gzip"), "HTTP/1.1 204 X\r\nContent-Type: text/html\r\n\r\n", false},
             {get("gzip"), whole(html + "X-Long: " + std::string(5'000, 'x') + "\r\n", body), true},
         }) {
        SCOPED_TRACE(each.request + each.answer.substr(0, 120));
        const auto response = ask(each.request, each.answer);
        ASSERT_TRUE(response.complete);
        const std::string sent = each.answer.substr(each.answer.find("\r\n\r\n") + 4);
        EXPECT_TRUE(response.body == sent);
        EXPECT_EQ(has(response.head, "Content-Encoding"), has(each.answer, "Content-Encoding"));
        EXPECT_EQ(has(response.head, "Content-Length"), has(each.answer, "Content-Length"));
        EXPECT_EQ(has(response.head, "Vary: Accept-Encoding"), each.vary);
    }
}

TEST_F(HttpCompression, HeadsSayWhatTheBodyIsNow) {
    const std::string fields = std::string(kHtml) +
                               "ETag: \"v1\"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\n"
                               "Server: inner\r\n";
    auto response = ask(get("br"), whole(fields, prose(2'000)));
    EXPECT_TRUE(has(response.head, "ETag: W/\"v1\"\r\n"));
    EXPECT_TRUE(has(response.head, "Vary: Origin, Accept-Encoding\r\n"));
    EXPECT_TRUE(has(response.head, "Server: inner\r\n"));
    EXPECT_FALSE(has(response.head, "Accept-Ranges"));
    // A HEAD is answered with the same head.
    response = ask("HEAD /a HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n",
                   "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 2000\r\n\r\n");
    EXPECT_TRUE(response.complete);
    EXPECT_TRUE(has(response.head, "Content-Encoding: br\r\n"));
    EXPECT_TRUE(has(response.head, "ETag: W/\"v1\"\r\n"));
    EXPECT_FALSE(has(response.head, "Content-Length"));
    // The client comes back with the tag it got.
    response = ask(get("br", "If-None-Match: W/\"v1\"\r\n"),
                   "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n");
    EXPECT_EQ(response.status, 304);
    EXPECT_TRUE(has(response.head, "ETag: W/\"v1\"\r\n"));
    EXPECT_TRUE(has(received, "If-None-Match: W/\"v1\"\r\n"));
    // The connection is fine for whatever comes next.
    EXPECT_EQ(ask(get("identity"), whole(kHtml, "ok")).body, "ok");
}

TEST_F(HttpCompression, TheRouteSaysWhatForAndFromWhichSizeOn) {
    withRoute([](model::Route& route) {
        route.compress = {"gzip"};
        route.compressTypes = {"image/*"};
        route.compressMinBytes = 0;
        route.responseHeadersSet = {{"x-added", "1"}};
    });
    auto response = ask(get("zstd, gzip"), whole("Content-Type: image/bmp\r\n", "tiny"));
    EXPECT_EQ(decodeContent("gzip", response.body), "tiny");
    EXPECT_TRUE(has(response.head, "x-added: 1\r\n"));
    response = ask(get("zstd"), whole("Content-Type: image/bmp\r\n", "tiny"));
    EXPECT_EQ(response.body, "tiny");
    response = ask(get("gzip"), whole(kHtml, prose(2'000)));
    EXPECT_FALSE(has(response.head, "Content-Encoding"));
    // And errors of the endpoint are responses like others; ours are our own.
    response = ask(get("gzip"), whole("Content-Type: image/bmp\r\n", "oops", "500"));
    EXPECT_EQ(decodeContent("gzip", response.body), "oops");
    withRoute([](model::Route& route) { route.compress.clear(); });
    response = ask(get("gzip"), whole("Content-Type: image/bmp\r\n", "tiny"));
    EXPECT_EQ(response.body, "tiny");
    EXPECT_FALSE(has(response.head, "Vary"));
}

// What the endpoint has said is with the client before it says more.
TEST_F(HttpCompression, EventsArriveOneByOne) {
    for (const std::string_view coding : kCodings) {
        SCOPED_TRACE(coding);
        begin(get(coding));
        upstream.send(kChunked);
        EXPECT_TRUE(has(client.readUntil("\r\n\r\n"), coding));
        ContentDecoder decoder(coding);
        for (const std::size_t size : {1u, 20u, 3'000u, 100'000u, 5u}) {
            const std::string event = "data: " + prose(size) + "\n\n";
            upstream.send(chunk(event));
            EXPECT_TRUE(readDecoded(decoder, event.size()) == event) << size;
        }
        upstream.send("0\r\n\r\n");
        while (!decoder.ended() && !decoder.failed())
            decoder.take(readChunk());
        EXPECT_TRUE(decoder.ended());
        EXPECT_EQ(client.readUntil("\r\n\r\n"), "0\r\n\r\n");
    }
}

TEST_F(HttpCompression, ABodyThatPausesIsNotHeldBack) {
    const std::string body = prose(5'000);
    for (const std::string_view coding : kCodings) {
        begin(get(coding));
        upstream.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n" +
            body.substr(0, 3));
        client.readUntil("\r\n\r\n");
        ContentDecoder decoder(coding);
        EXPECT_EQ(readDecoded(decoder, 3), body.substr(0, 3)) << coding;
        upstream.send(body.substr(3));
        EXPECT_TRUE(readDecoded(decoder, 4'997) == body.substr(3)) << coding;
        while (!decoder.ended() && !decoder.failed())
            decoder.take(readChunk());
        EXPECT_EQ(client.readUntil("\r\n\r\n"), "0\r\n\r\n");
    }
}

TEST_F(HttpCompression, AnEndpointThatDiesLeavesABrokenMessage) {
    const std::string part = prose(20'000);
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
    std::uint64_t broken = 0;
    for (const std::string_view coding : kCodings) {
        for (const std::string& answer :
             {head + "Content-Length: 50000\r\n\r\n" + part,
              head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(part)}) {
            begin(get(coding));
            upstream.send(answer);
            client.readUntil("\r\n\r\n");
            upstream.close();
            EXPECT_FALSE(client.readAll().ends_with("0\r\n\r\n"));
            client = {};
            ++broken;
        }
        // Against the rules, behind good ones.
        begin(get(coding));
        upstream.send(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(part));
        client.readUntil("\r\n\r\n");
        upstream.send("nonsense\r\n");
        EXPECT_FALSE(client.readAll().ends_with("0\r\n\r\n"));
        client = {};
        upstream = {};
    }
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().errors[static_cast<std::size_t>(ProxyError::upstreamTruncated)],
              broken);
}

// Encoders of brotli serve one body only: what is still held is lost.
TEST_F(HttpCompression, WhoeverLeavesTheEncoderIsFree) {
    begin(get("br"));
    upstream.send(kChunked);
    upstream.send(chunk("data: 1\n\n"));
    client.readUntil("\r\n\r\n");
    EXPECT_TRUE(proxy.eventually([&] { return counts().memory != 0; }));
    client.reset();
    client = {};
    EXPECT_NE(upstream.next(), Next::data);
    upstream = {};
    EXPECT_TRUE(proxy.eventually([&] { return counts().memory == 0; }));
    begin(get("br"));
    upstream.send(kChunked);
    client.readUntil("\r\n\r\n");
    upstream.reset();
    client.readAll();
    EXPECT_TRUE(proxy.eventually([&] { return counts().memory == 0; }));
}

// More than all buffers on the way can hold, and nothing that gets shorter.
TEST_F(HttpCompression, ASlowReaderHoldsLittleAndGetsAll) {
    const std::string body = noise(12'000'000);
    const std::string answer = whole(kHtml, body);
    ScriptedEndpoint big([&](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").size() > 4)
            connection.send(answer);
    });
    proxy.serve({big.port()});
    for (const std::string_view coding : {"zstd", "br"}) {
        client = proxy.client(65'536);
        client.send(get(coding));
        ASSERT_TRUE(proxy.eventuallyIn("client_blocked"));
        std::uint64_t held = 0;
        for (const worker::WorkerStats& worker : proxy.stats())
            held += worker.bufferBytes;
        EXPECT_LT(held, 12u << 20);
        const auto response = client.readResponse();
        ASSERT_TRUE(response.complete);
        EXPECT_TRUE(decodeContent(coding, response.body) == body);
    }
}

// All that came with the head has to be kept, and is longer than before.
TEST_F(HttpCompression, AClientThatTakesNothingFromTheBeginningGetsAll) {
    const std::string body = noise(200'000);
    client = proxy.client();
    EXPECT_EQ(ask(get("gzip"), whole(kHtml, "ok")).body, "ok");
    for (const std::string_view coding : kCodings) {
        const std::size_t filler = client.stuffFromPeer();
        begin(get(coding));
        std::thread sender([&] { upstream.send(whole(kHtml, body)); });
        client.readExactly(filler);
        EXPECT_TRUE(decodeContent(coding, client.readResponse().body) == body) << coding;
        sender.join();
    }
}

TEST(HttpCompressionMemory, WithoutMemoryNothingIsCompressed) {
    worker::WorkerPoolOptions options;
    options.workers = 1;
    options.bufferBytes = 4 * 1024 * 1024;  // a quarter of it does not do for brotli
    const std::string body = prose(20'000);
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").size() > 4)
            connection.send(whole(kHtml, body));
    });
    ProxyFixture proxy({}, options);
    proxy.route().compress = {"br", "gzip"};
    proxy.serve({endpoint.port()});
    RawConnection client = proxy.client();
    client.send(get("br"));
    auto response = client.readResponse();
    EXPECT_TRUE(response.body == body);
    EXPECT_TRUE(has(response.head, "Vary: Accept-Encoding\r\n"));
    EXPECT_TRUE(has(response.head, "Content-Length: 20000\r\n"));
    client.send(get("gzip"));
    response = client.readResponse();
    EXPECT_TRUE(decodeContent("gzip", response.body) == body);
    EXPECT_EQ(proxy.stats().front().compression.denied, 1u);
    EXPECT_LE(proxy.stats().front().compression.memory, options.bufferBytes / 4);
}

}  // namespace
}  // namespace evergate::test
