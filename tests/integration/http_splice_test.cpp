// SPDX-License-Identifier: Apache-2.0
// Large bodies and tunnels between plain connections, which go by the kernel alone: every byte
// arrives, whoever is slow, and what ends early is seen to end early.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/bodies.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n";

std::string post(std::size_t size) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

TEST(HttpSplice, CarriesLargeBodiesBothWaysOnKeptConnections) {
    const std::string body = patterned(8 * 1024 * 1024);
    ScriptedEndpoint endpoint(echoBodies);
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = proxy.client();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(client.send(post(body.size()) + body));
        const auto response = client.readResponse();
        ASSERT_EQ(response.status, 200);
        ASSERT_TRUE(response.body == body);
    }
    EXPECT_EQ(endpoint.accepted(), 1);
    const session::Counters counters = proxy.counters();
    EXPECT_GT(counters.bytesSpliced, 3 * body.size()) << "at least half of both ways";
    EXPECT_LT(counters.bytesSpliced, counters.bytesToClients + counters.bytesToUpstreams);
}

TEST(HttpSplice, ASlowReaderGetsEveryByte) {
    const std::string body = patterned(12 * 1024 * 1024);
    ScriptedEndpoint endpoint(answerAll(body));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = proxy.client(16 * 1024);
    ASSERT_TRUE(client.send(kGet));
    ASSERT_TRUE(proxy.eventuallyIn("client_blocked"));
    EXPECT_TRUE(client.readResponse().body == body);
    ASSERT_TRUE(client.send(kGet));
    EXPECT_TRUE(client.readResponse().body == body);
    EXPECT_GT(proxy.counters().bytesSpliced, 0u);
}

TEST(HttpSplice, TransfersAtOnceDoNotMix) {
    ScriptedEndpoint endpoint(echoBodies);
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    std::vector<std::jthread> clients;
    for (int i = 0; i < 6; ++i) {
        clients.emplace_back([&proxy, i] {
            const std::string body =
                patterned(3'000'000 + 10'007 * static_cast<std::size_t>(i)).substr(31 * i);
            RawConnection client = proxy.client(i % 2 == 0 ? 16 * 1024 : 0);
            for (int round = 0; round < 2; ++round) {
                ASSERT_TRUE(client.send(post(body.size()) + body));
                ASSERT_TRUE(client.readResponse().body == body);
            }
        });
    }
    clients.clear();
    EXPECT_GT(proxy.counters().bytesSpliced, 0u);
}

TEST(HttpSplice, ABodyThatEndsEarlyIsNeverComplete) {
    const std::string part = patterned(2'000'000);
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + part);
    });
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send(kGet));
    const auto response = client.readResponse();
    EXPECT_FALSE(response.complete);
    EXPECT_LE(response.body.size(), part.size());
    EXPECT_TRUE(part.starts_with(response.body));
    EXPECT_TRUE(proxy.eventually([&] {
        return proxy.counters().errors[std::size_t(http::ProxyError::upstreamTruncated)] == 1;
    }));
}

TEST(HttpSplice, AClientThatLeavesEndsTheTransferAlone) {
    const std::string body = patterned(8 * 1024 * 1024);
    ScriptedEndpoint endpoint(answerAll(body));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    RawConnection other = proxy.client();
    for (int i = 0; i < 5; ++i) {
        RawConnection client = proxy.client(16 * 1024);
        ASSERT_TRUE(client.send(kGet));
        ASSERT_TRUE(proxy.eventuallyIn("client_blocked"));
        client.reset();
        ASSERT_TRUE(other.send(kGet));
        ASSERT_TRUE(other.readResponse().body == body);
    }
    other.close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST(HttpSplice, TcpConnectionsCarryMuchBothWaysAtOnce) {
    RawListener endpoint;
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    const std::uint16_t port = proxy.openListener("postgres", 0, model::ListenerProtocol::tcp);
    RawConnection client = RawConnection::connect(port);
    RawConnection upstream = endpoint.accept();
    const std::string up = patterned(6'000'000);
    const std::string down = patterned(6'000'001).substr(1);
    std::string upArrived;
    std::string downArrived;
    {
        const std::jthread sends([&] {
            client.send(up);
            client.shutdownWrite();
        });
        const std::jthread answers([&] {
            upstream.send(down);
            upstream.shutdownWrite();
        });
        const std::jthread receives([&] { upArrived = upstream.readAll(); });
        downArrived = client.readAll();
    }
    EXPECT_TRUE(upArrived == up);
    EXPECT_TRUE(downArrived == down);
    EXPECT_GT(proxy.counters().bytesSpliced, 0u);
}

}  // namespace
}  // namespace evergate::test
