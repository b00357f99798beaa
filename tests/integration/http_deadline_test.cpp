// SPDX-License-Identifier: Apache-2.0
// No state without a deadline: whoever stops moving is told, or cut, in every phase.
#include <gtest/gtest.h>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using namespace std::chrono_literals;
using Next = RawConnection::Next;
using http::ProxyError;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

model::Settings shortSettings() {
    model::Settings settings;
    settings.headTimeout = 200ms;
    settings.keepAliveTimeout = 200ms;
    settings.bodyTimeout = 200ms;
    settings.writeTimeout = 200ms;
    settings.tunnelTimeout = 300ms;
    return settings;
}

model::Backend shortBackend() {
    model::Backend backend;
    backend.connectTimeout = 300ms;
    backend.responseTimeout = 200ms;
    backend.inactivityTimeout = 200ms;
    return backend;
}

class HttpDeadline : public testing::Test {
protected:
    HttpDeadline() { proxy.serve({endpoint.port()}, shortBackend()); }

    RawConnection sendRequest(std::string_view request, int receiveBuffer = 0) {
        RawConnection client = proxy.client(receiveBuffer);
        client.send(request);
        upstream = endpoint.accept();
        upstream.readUntil("\r\n\r\n");
        return client;
    }

    std::uint64_t errors(ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    RawListener endpoint;
    ProxyFixture proxy{shortSettings()};
    RawConnection upstream;
};

TEST_F(HttpDeadline, IdleConnectionsAreClosed) {
    RawConnection client = sendRequest(kGet);
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().body, "ok");
    EXPECT_EQ(client.next(), Next::end);
    EXPECT_EQ(proxy.counters().idleConnections, 0u);
}

TEST_F(HttpDeadline, HeadThatTricklesIsRefused) {
    RawConnection client = sendRequest(kGet);
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().body, "ok");
    client.send("GET / HTTP/1.1\r\n");
    while (client.quiet() && client.send("X: y\r\n"))
        std::this_thread::sleep_for(20ms);
    EXPECT_EQ(client.readResponse().status, 408);
    EXPECT_EQ(errors(ProxyError::headTimeout), 1u);
}

TEST_F(HttpDeadline, ConnectingHasADeadlinePerAttempt) {
    const BlackHole nowhere;
    proxy.serve({nowhere.port(), endpoint.port()}, shortBackend());
    for (int i = 0; i < 2; ++i) {
        RawConnection client = sendRequest(kGet);
        upstream.send(kOk);
        EXPECT_EQ(client.readResponse().status, 200);
        upstream.close();
    }
    model::Backend none = shortBackend();
    none.retries = 0;
    proxy.serve({nowhere.port()}, none);
    RawConnection client = proxy.client();
    client.send(kGet);
    EXPECT_EQ(client.readResponse().status, 504);
    EXPECT_EQ(client.next(), Next::end);
}

// The first endpoint refuses after most of the time is over: the second has all of its own.
TEST_F(HttpDeadline, SecondAttemptDoesNotInheritTheFirstOnesDeadline) {
    std::uint16_t refused = 0;
    { refused = RawListener().port(); }
    const BlackHole nowhere;
    proxy.serve({refused, nowhere.port()}, shortBackend());
    for (int i = 0; i < 2; ++i) {
        RawConnection client = proxy.client();
        const auto start = std::chrono::steady_clock::now();
        client.send(kGet);
        const int status = client.readResponse().status;
        EXPECT_TRUE(status == 504 || status == 502) << status;
        EXPECT_GE(std::chrono::steady_clock::now() - start, 300ms);
    }
}

TEST_F(HttpDeadline, UploadThatStopsIs408) {
    RawConnection client = sendRequest("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1");
    EXPECT_EQ(client.readResponse().status, 408);
    EXPECT_EQ(client.next(), Next::end);
    EXPECT_EQ(upstream.readAll(), "1");
}

// Bytes that trickle in keep the inactivity deadline away, not the other one.
TEST_F(HttpDeadline, UploadThatTricklesIs408) {
    proxy.settings().bodyTimeout = 600s;
    proxy.settings().minimumBodyRate = 1'000'000;
    proxy.publish();
    RawConnection client =
        sendRequest("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n");
    const auto start = std::chrono::steady_clock::now();
    while (client.quiet() && client.send("x"))
        std::this_thread::sleep_for(100ms);
    EXPECT_EQ(client.readResponse().status, 408);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 4s);
    EXPECT_EQ(errors(ProxyError::bodyTimeout), 1u);
}

// Who waits for a 100 is not late: the endpoint is.
TEST_F(HttpDeadline, EndpointThatNeverSaysContinueIs504) {
    RawConnection client = sendRequest(
        "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 504);
    EXPECT_EQ(errors(ProxyError::upstreamTimeout), 1u);
    EXPECT_EQ(proxy.backends().at(0).endpoints.at(0).failures, 1u);
}

TEST_F(HttpDeadline, HandshakeHasADeadlineOfItsOwn) {
    proxy.settings().headTimeout = 600s;
    proxy.settings().handshakeTimeout = 200ms;
    const std::uint16_t port = proxy.openSecureListener();
    RawConnection client = RawConnection::connect(port);
    client.send("\x16\x03\x01");
    EXPECT_EQ(client.next(), Next::end);
}

TEST_F(HttpDeadline, HalfClosedTunnelEndsSooner) {
    proxy.settings().tunnelTimeout = 600s;
    proxy.settings().halfCloseTimeout = 200ms;
    proxy.publish();
    RawConnection client = sendRequest(kUpgrade);
    upstream.send(kSwitch);
    client.readUntil("\r\n\r\n");
    client.shutdownWrite();
    EXPECT_EQ(upstream.next(), Next::end);
    EXPECT_EQ(client.next(), Next::end);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpDeadline, UploadThatMovesHasTime) {
    RawConnection client = sendRequest("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    for (int i = 0; i < 9; ++i) {
        std::this_thread::sleep_for(60ms);
        client.send("x");
        EXPECT_EQ(upstream.readExactly(1), "x");
    }
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().status, 200);
}

TEST_F(HttpDeadline, EndpointThatTakesNoBodyIs504) {
    RawConnection client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    upstream = endpoint.accept(4096);
    std::thread sender([&] {
        const std::string block(1 << 20, 'x');
        while (client.send(block)) {
        }
    });
    EXPECT_EQ(client.readResponse().status, 504);
    EXPECT_EQ(errors(ProxyError::upstreamTimeout), 1u);
    sender.join();
}

TEST_F(HttpDeadline, SilentEndpointIs504HoweverItsHeadTrickles) {
    RawConnection client = sendRequest(kGet);
    EXPECT_EQ(client.readResponse().status, 504);
    client = sendRequest(kGet);
    upstream.send("HTTP/1.1 200 OK\r\n");
    while (client.quiet() && upstream.send("X: y\r\n"))
        std::this_thread::sleep_for(20ms);
    EXPECT_EQ(client.readResponse().status, 504);
    EXPECT_EQ(client.next(), Next::end);  // idle
}

TEST_F(HttpDeadline, ResponseThatStopsIsCut) {
    RawConnection client = sendRequest(kGet);
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1");
    EXPECT_FALSE(client.readResponse().complete);
    EXPECT_EQ(client.next(), Next::end);
    EXPECT_EQ(errors(ProxyError::upstreamBodyTimeout), 1u);
}

TEST_F(HttpDeadline, ClientThatTakesNothingIsReset) {
    RawConnection client = sendRequest(kGet, 4096);
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    std::thread sender([&] {
        const std::string block(1 << 20, 'x');
        while (upstream.send(block)) {
        }
    });
    EXPECT_TRUE(proxy.eventuallyQuiet());
    sender.join();
    client.readAll();
    EXPECT_EQ(errors(ProxyError::clientWriteTimeout), 1u);
}

// An upload that goes on is no excuse for not taking the response.
TEST_F(HttpDeadline, BlockedWriteHasADeadlineOfItsOwn) {
    RawConnection client =
        sendRequest("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 4096);
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    std::thread sender([&] {
        const std::string block(1 << 20, 'x');
        while (upstream.send(block)) {
        }
    });
    std::thread reader([&] { upstream.readAll(); });
    while (client.send("1\r\nx\r\n"))
        std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    sender.join();
    reader.join();
    EXPECT_EQ(errors(ProxyError::clientWriteTimeout), 1u);
}

TEST_F(HttpDeadline, UnusedTunnelsEnd) {
    RawConnection client = sendRequest(kUpgrade);
    upstream.send(kSwitch);
    client.readUntil("\r\n\r\n");
    EXPECT_EQ(client.next(), Next::end);
    client = sendRequest(kUpgrade);
    upstream.send(kSwitch);
    client.readUntil("\r\n\r\n");
    client.shutdownWrite();
    EXPECT_EQ(upstream.next(), Next::end);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().tunnels, 0u);
}

TEST_F(HttpDeadline, TunnelTowardsABlockedClientEnds) {
    RawConnection client = sendRequest(kUpgrade, 4096);
    upstream.send(kSwitch);
    client.readUntil("\r\n\r\n");
    std::thread sender([&] {
        const std::string block(1 << 20, 'x');
        while (upstream.send(block)) {
        }
    });
    EXPECT_TRUE(proxy.eventuallyQuiet());
    sender.join();
    EXPECT_EQ(errors(ProxyError::clientWriteTimeout), 1u);
}

// The answer must not be lost while the client is still sending.
TEST_F(HttpDeadline, LingeringEndsAfterItsDeadline) {
    proxy.setEndpoints({});
    RawConnection client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 503);
    EXPECT_TRUE(proxy.eventuallyIn("lingering"));
    EXPECT_EQ(client.next(), Next::end);
    EXPECT_TRUE(client.send(std::string(100'000, 'x')));
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

}  // namespace
}  // namespace evergate::test
