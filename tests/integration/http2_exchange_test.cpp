// SPDX-License-Identifier: Apache-2.0
// Clients that speak HTTP/2 get what others get: bodies both ways, trailers, early and interim
// responses, errors, tunnels; each stream by itself, and with back-pressure of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/integration/http2_client.hpp"
#include "tests/support/bodies.hpp"
#include "tests/support/proxy_fixture.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Reads a chunked body and its trailers.
std::string readChunked(RawConnection& connection) {
    std::string all;
    while (true) {
        const std::string line = connection.readUntil("\r\n");
        const std::size_t size = std::strtoul(line.c_str(), nullptr, 16);
        if (size == 0)
            break;
        all += connection.readExactly(size);
        connection.readExactly(2);
    }
    std::string trailers;
    for (std::string line; (line = connection.readUntil("\r\n")).size() > 2;)
        trailers += line;
    return all + '|' + trailers;
}

TEST(Http2Exchange, BecomesAnOrdinaryRequest) {
    ScriptedEndpoint endpoint(tellHead());
    ProxyFixture proxy;
    proxy.settings().via = "gate";
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    Http2Fields fields = Http2Client::get("/a?b=c");
    fields.emplace_back("cookie", "x=1");
    fields.emplace_back("cookie", "y=2");
    fields.emplace_back("te", "trailers");
    const Http2Answer& answer = client.wait(client.request(fields));
    EXPECT_EQ(answer.status, "200");
    EXPECT_TRUE(answer.ended);
    EXPECT_THAT(answer.body, testing::StartsWith("GET /a?b=c HTTP/1.1\r\nHost: a.example\r\n"));
    EXPECT_THAT(answer.body, HasSubstr("cookie: x=1; y=2\r\n"));
    EXPECT_THAT(answer.body, HasSubstr("Via: 2.0 gate\r\n"));
    EXPECT_EQ(answer.field("transfer-encoding") + answer.field("connection"), "");
    const auto counters = proxy.counters();
    EXPECT_EQ(counters.http2.connections, 1u);
    EXPECT_EQ(counters.http2.streams, 1u);
    EXPECT_EQ(counters.accepted, 1u);
}

TEST(Http2Exchange, TakesAPrefaceInPieces) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection raw = proxy.client();
    // nghttp2 says the rest.
    Http2Client client(std::move(raw));
    const std::uint8_t* part = nullptr;
    const ssize_t size = nghttp2_session_mem_send(client.session(), &part);
    ASSERT_GT(size, 24 - 1);
    const std::string first(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
    for (const auto& [begin, count] :
         {std::pair<std::size_t, std::size_t>{0, 5}, {5, 12}, {17, 3}}) {
        ASSERT_TRUE(client.connection().send(first.substr(begin, count)));
        ASSERT_TRUE(proxy.eventually([&] { return proxy.counters().accepted == 1; }));
    }
    ASSERT_TRUE(client.connection().send(first.substr(20)));
    EXPECT_EQ(client.wait(client.request(Http2Client::get())).body, "hello");
}

TEST(Http2Exchange, RefusesThePrefaceWhenSwitchedOff) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    model::Settings settings;
    settings.http2 = model::ClientHttp2::off;
    ProxyFixture proxy(settings);
    proxy.serve({endpoint.port()});
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    EXPECT_GE(client.readResponse().status, 400);
    EXPECT_EQ(proxy.counters().http2.connections, 0u);
}

TEST(Http2Exchange, CarriesLargeBodiesBothWays) {
    const std::string body = patterned(3 * 1024 * 1024);
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        std::string got = readChunked(connection);
        got.resize(got.size() - 1);
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(got.size()) +
                        "\r\n\r\n" + got);
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const std::int32_t id = client.request(Http2Client::post(), true);
    client.send(id, body);
    client.end(id);
    const Http2Answer& answer = client.wait(id);
    EXPECT_EQ(answer.status, "200");
    EXPECT_TRUE(answer.body == body);
    EXPECT_TRUE(answer.ended);
}

TEST(Http2Exchange, CarriesTrailersBothWays) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        const std::string got = readChunked(connection);
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Got: " +
                        got.substr(0, got.find("\r\n")) +
                        "\r\n\r\n3\r\nabc\r\n0\r\nGrpc-Status: 0\r\n\r\n");
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const std::int32_t id = client.request(Http2Client::post(), true);
    client.send(id, "body");
    client.end(id, {{"x-sum", "7"}});
    const Http2Answer& answer = client.wait(id);
    EXPECT_EQ(answer.field("x-got"), "body|x-sum: 7");
    EXPECT_EQ(answer.body, "abc");
    EXPECT_EQ(answer.trailers, (Http2Fields{{"grpc-status", "0"}}));
}

TEST(Http2Exchange, PassesInterimResponsesOn) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            "HTTP/1.1 204 No Content\r\n\r\n");
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const Http2Answer& answer = client.wait(client.request(Http2Client::get()));
    EXPECT_EQ(answer.interim, std::vector<std::string>{"103"});
    EXPECT_EQ(answer.status, "204");
    EXPECT_TRUE(answer.ended);
}

TEST(Http2Exchange, StopsARequestThatIsAnsweredEarly) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send(
            "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        connection.readAll();
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const std::int32_t id = client.request(Http2Client::post(), true);
    client.send(id, std::string(1'000, 'x'));
    const Http2Answer& answer = client.wait(id);
    EXPECT_EQ(answer.status, "413");
    EXPECT_EQ(answer.body, "no");
    EXPECT_EQ(answer.error, static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
}

TEST(Http2Exchange, ResetsAResponseThatBreaksOff) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        const bool whole = connection.readUntil("\r\n\r\n").find("/whole") != std::string::npos;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(whole ? "4" : "10") +
                        "\r\n\r\nhalf");
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const Http2Answer& answer = client.wait(client.request(Http2Client::get()));
    EXPECT_TRUE(answer.reset);
    EXPECT_FALSE(answer.ended);
    EXPECT_EQ(answer.error, static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
    // The connection goes on.
    EXPECT_EQ(client.wait(client.request(Http2Client::get("/whole"))).body, "half");
}

// The end of the connection is there with the response's first bytes.
TEST(Http2Exchange, SendsWhatThereIsOfAResponseBeforeItsReset) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        constexpr std::string_view kText =
            "HTTP/1.1 200 OK\r\nX-Part: 1\r\nContent-Length: 10\r\n\r\nhalf";
        // One segment with the FIN.
        ::send(connection.fd(), kText.data(), kText.size(), MSG_MORE | MSG_NOSIGNAL);
        connection.close();
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    for (int i = 0; i < 5; ++i) {
        const Http2Answer& answer = client.wait(client.request(Http2Client::get()));
        EXPECT_EQ(answer.status, "200");
        EXPECT_EQ(answer.field("x-part"), "1");
        EXPECT_EQ(answer.body, "half");
        EXPECT_TRUE(answer.reset);
        EXPECT_FALSE(answer.ended);
        EXPECT_EQ(answer.error, static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
    }
    EXPECT_TRUE(proxy.eventually([&] { return proxy.counters().http2.activeStreams == 0; }));
    EXPECT_EQ(proxy.counters().http2.resetsByClient, 0u);
}

TEST(Http2Exchange, LetsGoOfTheEndpointWhenTheClientResets) {
    std::atomic<bool> ended{false};
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.readAll();
        ended = true;
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const std::int32_t id = client.request(Http2Client::get());
    ASSERT_TRUE(client.until([&] { return client.settled(); }));
    ASSERT_TRUE(proxy.eventuallyIn("http2"));
    client.reset(id);
    EXPECT_TRUE(proxy.eventually([&] { return ended.load(); }));
    EXPECT_TRUE(proxy.eventually([&] { return proxy.counters().http2.activeStreams == 0; }));
    EXPECT_EQ(proxy.counters().http2.resetsByClient, 1u);
    EXPECT_EQ(proxy.counters().activeRequests, 0u);
}

TEST(Http2Exchange, ServesManyStreamsAtOnce) {
    ScriptedEndpoint endpoint(answerAll(std::string(20'000, 'x')));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 100; ++i)
        ids.push_back(client.request(Http2Client::get()));
    for (const std::int32_t id : ids) {
        EXPECT_EQ(client.wait(id).status, "200");
        EXPECT_EQ(client.answer(id).body.size(), 20'000u);
    }
    EXPECT_EQ(proxy.counters().http2.streams, 100u);
}

// More in one go than a connection's turn takes.
TEST(Http2Exchange, ServesABurstInPortions) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    ProxyFixture proxy;
    proxy.settings().http2MaxStreams = 1'000;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    ASSERT_TRUE(client.until([&] { return client.settled(); }));
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 150; ++i)
        ids.push_back(client.submit(Http2Client::get()));
    for (const std::int32_t id : ids)
        EXPECT_EQ(client.wait(id).body, "hello");
    EXPECT_EQ(proxy.counters().http2.streams, 150u);
}

TEST(Http2Exchange, HoldsBackWhatTheEndpointDoesNotRead) {
    std::atomic<bool> go{false};
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        if (connection.readUntil("\r\n\r\n").find("POST") != 0)
            return void(connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"));
        while (!go)
            std::this_thread::yield();
        const std::string got = readChunked(connection);
        const std::string size = std::to_string(got.size() - 1);
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size.size()) +
                        "\r\n\r\n" + size);
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const std::int32_t upload = client.request(Http2Client::post(), true);
    constexpr std::size_t kSize = 32 * 1024 * 1024;  // more than all buffers on the way
    client.send(upload, std::string(kSize, 'u'));
    client.end(upload);
    // Others are served meanwhile.
    EXPECT_EQ(client.wait(client.request(Http2Client::get())).body, "other");
    EXPECT_GT(client.unsent(upload), 0u);
    go = true;
    EXPECT_EQ(client.wait(upload).body, std::to_string(kSize));
}

TEST(Http2Exchange, HoldsBackWhatTheClientDoesNotRead) {
    const std::string body = patterned(8 * 1024 * 1024);
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        const std::string head = connection.readUntil("\r\n\r\n");
        const std::string& what = head.find("/big") != std::string::npos ? body : std::string("ok");
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(what.size()) +
                        "\r\n\r\n" + what);
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client(), false);
    // As if its reader stood still: only this stream's window closes.
    nghttp2_session_set_local_window_size(client.session(), NGHTTP2_FLAG_NONE, 0, 100 << 20);
    const std::int32_t big = client.request(Http2Client::get("/big"));
    ASSERT_TRUE(client.until([&] { return client.answer(big).body.size() == 65'535; }));
    EXPECT_EQ(client.wait(client.request(Http2Client::get("/small"))).body, "ok");
    EXPECT_EQ(client.answer(big).body.size(), 65'535u);
    nghttp2_session_set_local_window_size(client.session(), NGHTTP2_FLAG_NONE, big, 100 << 20);
    client.wait(big);
    EXPECT_TRUE(client.answer(big).body == body);
}

TEST(Http2Exchange, AnswersErrorsItself) {
    ProxyFixture proxy;
    proxy.serve({});
    Http2Client client(proxy.client());
    EXPECT_EQ(client.wait(client.request(Http2Client::get())).status, "503");
    Http2Fields connect{{":method", "CONNECT"}, {":authority", "a.example:443"}};
    EXPECT_EQ(client.wait(client.request(connect)).status, "501");
    Http2Fields large = Http2Client::get();
    large.emplace_back("x-large", std::string(40'000, 'x'));
    EXPECT_EQ(client.wait(client.request(large)).status, "431");
    Http2Fields two = Http2Client::get();
    two.emplace_back("host", "b.example");
    EXPECT_EQ(client.wait(client.request(two)).error,
              static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
    proxy.forgetBackend();
    EXPECT_EQ(client.wait(client.request(Http2Client::get())).status, "404");
}

TEST(Http2Exchange, CarriesWebSockets) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        const std::string head = connection.readUntil("\r\n\r\n");
        EXPECT_THAT(head, HasSubstr("Upgrade: websocket\r\n"));
        EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Key: "));
        connection.send(
            "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
        for (std::string part; !(part = connection.readExactly(4)).empty();)
            connection.send(part);
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    ASSERT_TRUE(client.until([&] { return client.settled(); }));
    Http2Fields fields{{":method", "CONNECT"}, {":protocol", "websocket"},
                       {":scheme", "http"},    {":authority", "a.example"},
                       {":path", "/chat"},     {"sec-websocket-version", "13"}};
    const std::int32_t id = client.request(fields, true);
    client.send(id, "ping");
    ASSERT_TRUE(client.until([&] { return client.answer(id).body == "ping"; }));
    EXPECT_EQ(client.answer(id).status, "200");
    EXPECT_EQ(client.answer(id).field("sec-websocket-protocol"), "chat");
    EXPECT_EQ(client.answer(id).field("upgrade") + client.answer(id).field("sec-websocket-accept"),
              "");
    client.send(id, "pong");
    ASSERT_TRUE(client.until([&] { return client.answer(id).body == "pingpong"; }));
    client.end(id);
    EXPECT_TRUE(client.wait(id).ended);
}

// RFC 8441 §5: END_STREAM is what a FIN is, so one direction may outlive the other.
TEST(Http2Exchange, LetsTheClientFinishAWebSocketLast) {
    std::promise<std::string> heard;
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send(
            "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: x\r\n\r\nbye");
        connection.shutdownWrite();
        std::string all;
        for (std::string part; !(part = connection.readExactly(1)).empty();)
            all += part;
        heard.set_value(connection.eof() ? all : "reset behind " + all);
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    ASSERT_TRUE(client.until([&] { return client.settled(); }));
    const std::int32_t id = client.request({{":method", "CONNECT"},
                                            {":protocol", "websocket"},
                                            {":scheme", "http"},
                                            {":authority", "a.example"},
                                            {":path", "/chat"}},
                                           true);
    ASSERT_TRUE(client.until([&] { return client.answer(id).ended; }));
    EXPECT_EQ(client.answer(id).body, "bye");
    client.send(id, std::string(20'000, 'x'));
    client.end(id);
    EXPECT_TRUE(client.wait(id).closed);
    EXPECT_FALSE(client.answer(id).reset);
    EXPECT_EQ(heard.get_future().get(), std::string(20'000, 'x'));
}

TEST(Http2Exchange, IsAgreedOnByAlpn) {
    ScriptedEndpoint endpoint(tellHead());
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    const std::uint16_t port = proxy.openSecureListener();
    RawConnection raw = RawConnection::connect(port);
    TlsOptions options;
    options.serverName = "a.example";
    options.protocols = {"h2", "http/1.1"};
    ASSERT_TRUE(raw.secure(options)) << raw.tlsError();
    EXPECT_EQ(raw.tls().protocol(), "h2");
    Http2Client client(std::move(raw), true, true);
    const Http2Answer& answer = client.wait(client.request(Http2Client::get()));
    EXPECT_EQ(answer.status, "200");
    EXPECT_THAT(answer.body, HasSubstr("X-Forwarded-Proto: https\r\n"));
}

TEST(Http2Exchange, WantsAConnectionOfItsOwnForAnotherCertificate) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    const TemporaryAuthority authority;
    const auto issue = [&](const std::string& name, std::vector<std::string> hosts) {
        CertificateRequest request;
        request.commonName = name;
        request.dnsNames = hosts;
        const CertificateAndKey pair = authority.issue(request);
        proxy.setCertificate(name, {std::move(hosts), pair.certificatePem, pair.keyPem, "test"});
    };
    issue("one", {"a.example", "b.example"});
    issue("two", {"c.example"});
    RawConnection raw = RawConnection::connect(proxy.openSecureListener());
    TlsOptions options;
    options.serverName = "a.example";
    options.protocols = {"h2"};
    ASSERT_TRUE(raw.secure(options)) << raw.tlsError();
    Http2Client client(std::move(raw), true, true);
    const auto ask = [&](const std::string& host) {
        const Http2Answer& answer = client.wait(client.request(Http2Client::get("/", host)));
        return answer.status + ' ' + answer.body;
    };
    EXPECT_EQ(ask("a.example"), "200 hello");
    EXPECT_EQ(ask("b.example"), "200 hello");
    EXPECT_EQ(ask("c.example"),
              "421 421 this connection was opened for a host with another certificate\n");
    EXPECT_EQ(ask("a.example"), "200 hello");
    EXPECT_EQ(ask("b.example."), "200 hello") << "the same host, fully qualified";
    EXPECT_EQ(ask("c.example.").substr(0, 3), "421");
    const auto counters = proxy.counters();
    EXPECT_EQ(counters.errors[static_cast<std::size_t>(http::ProxyError::otherCertificate)], 2u);
    EXPECT_EQ(counters.errors[static_cast<std::size_t>(http::ProxyError::misdirected)], 0u);
}

TEST(Http2Exchange, SaysGoodbyeInADrain) {
    std::atomic<bool> go{false};
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        while (!go)
            std::this_thread::yield();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast");
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const std::int32_t id = client.request(Http2Client::get());
    ASSERT_TRUE(proxy.eventuallyIn("http2"));
    std::thread drain([&] { proxy.drain(std::chrono::seconds(60)); });
    EXPECT_TRUE(client.until([&] { return client.goaways().size() == 2; }));
    EXPECT_THAT(client.goaways(), testing::ElementsAre(0x7fffffff, id));
    EXPECT_EQ(client.goawayCode(), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
    go = true;
    EXPECT_EQ(client.wait(id).body, "last");
    EXPECT_TRUE(client.connection().eof());
    client.connection().close();
    drain.join();
}

}  // namespace
}  // namespace evergate::test
