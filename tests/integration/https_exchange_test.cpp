// SPDX-License-Identifier: Apache-2.0
// Requests over TLS behave like requests without: bodies both ways, back-pressure, pipelining,
// tunnels, half-closes, and ends that cannot be told from attacks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/bodies.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using testing::HasSubstr;

constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\n\r\n";

RawConnection connectSecurely(std::uint16_t port, int version = TLS1_3_VERSION,
                              int receiveBuffer = 0) {
    TlsOptions options;
    options.serverName = "example.com";
    options.maxVersion = version;
    RawConnection client = RawConnection::connect(port, receiveBuffer);
    EXPECT_TRUE(client.secure(options)) << client.tlsError();
    return client;
}

TEST(HttpsExchange, TellsTheEndpointHowItWasReached) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        const std::string head = connection.readUntil("\r\n\r\n");
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(head.size()) +
                        "\r\n\r\n" + head);
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    const std::uint16_t port = proxy.openSecureListener();
    RawConnection client = connectSecurely(port);
    ASSERT_TRUE(client.send(kGet));
    const std::string head = client.readResponse().body;
    EXPECT_THAT(head, HasSubstr("X-Forwarded-Proto: https\r\n"));
    EXPECT_THAT(head, HasSubstr("X-Forwarded-Port: " + std::to_string(port) + "\r\n"));
}

TEST(HttpsExchange, CarriesLargeBodiesBothWays) {
    const std::string body = patterned(10 * 1024 * 1024);
    ScriptedEndpoint endpoint(echoBodies);
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    const std::uint16_t port = proxy.openSecureListener();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        RawConnection client = connectSecurely(port, version);
        const std::string head =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n";
        for (int i = 0; i < 2; ++i) {
            ASSERT_TRUE(client.send(head + body));
            const auto response = client.readResponse();
            ASSERT_EQ(response.status, 200);
            ASSERT_TRUE(response.body == body);
        }
    }
    EXPECT_EQ(endpoint.accepted(), 1);
}

TEST(HttpsExchange, WaitsForASlowReader) {
    const std::string body = patterned(12 * 1024 * 1024);
    ScriptedEndpoint endpoint(answerAll(body));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener(), TLS1_3_VERSION, 16 * 1024);
    ASSERT_TRUE(client.send(kGet));
    ASSERT_TRUE(proxy.eventuallyIn("client_blocked"));
    const auto response = client.readResponse();
    EXPECT_TRUE(response.body == body);
    ASSERT_TRUE(client.send(kGet));
    EXPECT_TRUE(client.readResponse().body == body);
}

TEST(HttpsExchange, CutsAReaderThatTakesNothing) {
    const std::string body(32 * 1024 * 1024, 'x');
    ScriptedEndpoint endpoint(answerAll(body));
    model::Settings settings;
    settings.writeTimeout = std::chrono::milliseconds(300);
    ProxyFixture proxy(settings);
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener(), TLS1_3_VERSION, 16 * 1024);
    ASSERT_TRUE(client.send(kGet));
    EXPECT_TRUE(proxy.eventuallyQuiet());
    const std::string got = client.readAll();
    EXPECT_LT(got.size(), body.size());
    EXPECT_FALSE(client.tls().cleanEnd());
}

TEST(HttpsExchange, AnswersPipelinedRequestsInOrder) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        for (std::string head; (head = connection.readUntil("\r\n\r\n")).size() > 4;) {
            const std::string path = head.substr(4, head.find(' ', 4) - 4);
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) +
                            "\r\n\r\n" + path);
        }
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener());
    std::string burst;
    for (int i = 0; i < 2'000; ++i)
        burst += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    ASSERT_TRUE(client.send(burst));
    for (int i = 0; i < 2'000; ++i)
        ASSERT_EQ(client.readResponse().body, "/" + std::to_string(i));
}

TEST(HttpsExchange, TakesARequestByteByByte) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener());
    for (const char c : kGet)
        ASSERT_TRUE(client.send(std::string_view(&c, 1)));  // a record each
    EXPECT_EQ(client.readResponse().body, "hello");
}

TEST(HttpsExchange, EndsACloseDelimitedResponseProperly) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send("HTTP/1.0 200 OK\r\n\r\nto the end");
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener());
    ASSERT_TRUE(client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n"));
    EXPECT_THAT(client.readAll(), HasSubstr("\r\n\r\nto the end"));
    EXPECT_TRUE(client.tls().cleanEnd());
}

TEST(HttpsExchange, NeverEndsABrokenResponseProperly) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send("HTTP/1.0 200 OK\r\n\r\nnot to the end");
        connection.reset();
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener());
    ASSERT_TRUE(client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n"));
    client.readAll();
    EXPECT_FALSE(client.tls().cleanEnd());
}

TEST(HttpsExchange, TunnelsAnUpgradeWithHalfCloses) {
    ScriptedEndpoint endpoint([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        const std::string all = connection.readAll();
        connection.send(std::to_string(all.size()));
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener());
    ASSERT_TRUE(
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"));
    ASSERT_THAT(client.readUntil("\r\n\r\n"), HasSubstr("101 Switching"));
    ASSERT_TRUE(client.send(std::string(100'000, 'y')));
    ASSERT_TRUE(proxy.eventuallyIn("tunnel"));
    client.shutdownWrite();
    EXPECT_EQ(client.readAll(), "100000");
    EXPECT_TRUE(client.tls().cleanEnd());
    client.close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST(HttpsExchange, LetsARefusedClientReadTheAnswer) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener());
    ASSERT_TRUE(
        client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + std::string(200'000, 'z')));
    EXPECT_EQ(client.readResponse().status, 400);
    EXPECT_TRUE(client.eof());
}

TEST(HttpsExchange, SeesAClientThatLeaves) {
    RawListener silent;
    ProxyFixture proxy;
    proxy.serve({silent.port()});
    RawConnection client = connectSecurely(proxy.openSecureListener());
    ASSERT_TRUE(client.send(kGet));
    ASSERT_TRUE(proxy.eventuallyIn("await_response"));
    client.reset();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

}  // namespace
}  // namespace evergate::test
