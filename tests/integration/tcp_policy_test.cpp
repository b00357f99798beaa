// SPDX-License-Identifier: Apache-2.0
// TCP listeners: who may connect, what the log says, what counts as a tunnel.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/access_log_file.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using Next = RawConnection::Next;
using http::ProxyError;

class TcpPolicy : public testing::Test {
protected:
    TcpPolicy() {
        proxy.serve({endpoint.port()});
        port = proxy.openListener("postgres", 0, model::ListenerProtocol::tcp);
    }

    void restrict(const std::vector<std::string>& networks) {
        proxy.listener("postgres").restrictSources = true;
        proxy.listener("postgres").allowSources = networks;
        proxy.publish();
    }

    std::uint64_t errors(ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    AccessLogFile log{"tcp_policy"};
    RawListener endpoint;
    ProxyFixture proxy{{}, log.options()};
    std::uint16_t port = 0;
};

TEST_F(TcpPolicy, ServesTheListedNetworksOnly) {
    restrict({"10.0.0.0/8"});
    RawConnection client = RawConnection::connect(port);
    EXPECT_EQ(client.next(), Next::reset);
    EXPECT_EQ(endpoint.acceptNow(), -1);
    EXPECT_EQ(errors(ProxyError::forbiddenSource), 1u);
    restrict({"10.0.0.0/8", "127.0.0.1"});
    RawConnection again = RawConnection::connect(port);
    RawConnection upstream = endpoint.accept();
    again.send("hello");
    EXPECT_EQ(upstream.readExactly(5), "hello");
    // Who is connected stays.
    restrict({});
    again.send("again");
    EXPECT_EQ(upstream.readExactly(5), "again");
    EXPECT_EQ(RawConnection::connect(port).next(), Next::reset);
}

TEST_F(TcpPolicy, ConnectionsHaveALineInTheLog) {
    RawConnection client = RawConnection::connect(port);
    RawConnection upstream = endpoint.accept();
    client.send("hello");
    upstream.readExactly(5);
    upstream.send("you");
    client.readExactly(3);
    EXPECT_EQ(proxy.counters().tunnels, 1u);
    EXPECT_TRUE(log.lines().empty());
    client.close();
    upstream.close();
    ASSERT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().tunnels, 0u);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    const nlohmann::json line = log.lines().front();
    EXPECT_EQ(line["client"], "127.0.0.1");
    EXPECT_EQ(line["protocol"], "TCP");
    EXPECT_EQ(line["route"], "postgres");
    EXPECT_EQ(line["backend"], "b");
    EXPECT_EQ(line["endpoint"], "127.0.0.1:" + std::to_string(endpoint.port()));
    EXPECT_EQ(line["status"], 0);
    EXPECT_EQ(line["bytes_in"], 5);
    EXPECT_EQ(line["bytes_out"], 3);
    EXPECT_EQ(line["error"], "");
    EXPECT_GE(line["duration_us"], line["upstream_us"]);
}

TEST_F(TcpPolicy, FailedConnectionsSayWhy) {
    restrict({});
    EXPECT_EQ(RawConnection::connect(port).next(), Next::reset);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    EXPECT_EQ(log.lines()[0]["error"], "forbidden_source");
    restrict({"0.0.0.0/0"});
    proxy.setEndpoints({});
    EXPECT_EQ(RawConnection::connect(port).next(), Next::reset);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 2; }));
    EXPECT_EQ(log.lines()[1]["error"], "no_endpoint");
    EXPECT_EQ(proxy.counters().tunnels, 0u);
}

TEST_F(TcpPolicy, RewrittenRequestsAreLoggedAsTheyCame) {
    proxy.route().path = "/shop";
    proxy.route().rewritePrefix = "/v2";
    proxy.publish();
    RawConnection client = proxy.client();
    client.send("GET /shop/a?b HTTP/1.1\r\nHost: x\r\n\r\n");
    RawConnection upstream = endpoint.accept();
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /v2/a?b "));
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client.readResponse();
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    EXPECT_EQ(log.lines()[0]["target"], "/shop/a?b");
    EXPECT_EQ(log.lines()[0]["host"], "x");
}

model::Backend hedging() {
    model::Backend backend;
    backend.hedgeConnect = std::chrono::milliseconds(100);
    backend.connectTimeout = std::chrono::milliseconds(60'000);
    backend.retries = 0;
    backend.maxConnections = 10;
    return backend;
}

TEST_F(TcpPolicy, ASecondConnectHelpsOutOfABlackHole) {
    const BlackHole nowhere;
    proxy.serve({nowhere.port(), endpoint.port()}, hedging());
    for (int i = 0; i < 4; ++i) {
        RawConnection client = RawConnection::connect(port);
        RawConnection upstream = endpoint.accept();
        ASSERT_TRUE(upstream.open());
        client.send("hello");
        EXPECT_EQ(upstream.readExactly(5), "hello");
    }
    EXPECT_GT(proxy.counters().hedges, 0u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.backends().at(0).active, 0u);
    EXPECT_EQ(proxy.counters().tunnels, 0u);
}

TEST_F(TcpPolicy, ASecondConnectThatFailsLeavesTheFirst) {
    const BlackHole nowhere;
    std::uint16_t closed = 0;
    {
        const RawListener gone;
        closed = gone.port();
    }
    model::Backend backend = hedging();
    backend.connectTimeout = std::chrono::milliseconds(300);
    proxy.serve({nowhere.port(), closed}, backend);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(RawConnection::connect(port).next(), Next::reset);
    EXPECT_EQ(errors(ProxyError::connectFailed) + errors(ProxyError::connectTimeout), 2u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.backends().at(0).active, 0u);
}

TEST_F(TcpPolicy, ClientsThatLeaveEndBothConnects) {
    const BlackHole one;
    const BlackHole two;
    proxy.serve({one.port(), two.port()}, hedging());
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(proxy.eventually([&] { return proxy.counters().hedges == 1; }));
    EXPECT_EQ(proxy.backends().at(0).active, 2u);
    client.reset();
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.backends().at(0).active, 0u);
}

// What a tunnel was routed with is gone long before the tunnel is; the log still knows it.
TEST_F(TcpPolicy, TunnelsLetGoOfTheirSnapshot) {
    RawConnection client = proxy.client();
    client.send("GET /t HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    RawConnection upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    const std::weak_ptr<const routing::Snapshot> routedWith = proxy.serving();
    upstream.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    client.readUntil("\r\n\r\n");
    EXPECT_FALSE(routedWith.expired());
    proxy.publish();
    EXPECT_TRUE(proxy.eventually([&] { return routedWith.expired(); }));
    client.send("ping");
    EXPECT_EQ(upstream.readExactly(4), "ping");
    client.close();
    upstream.close();
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    EXPECT_EQ(log.lines()[0]["route"], "r");
    EXPECT_EQ(log.lines()[0]["backend"], "b");
    EXPECT_EQ(log.lines()[0]["status"], 101);
}

}  // namespace
}  // namespace evergate::test
