// SPDX-License-Identifier: Apache-2.0
// Listeners that come and go, endpoints that leave, drain: no accepted request is lost, and nothing
// outlives its deadline.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using namespace std::chrono_literals;
using Next = RawConnection::Next;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

worker::WorkerPoolOptions withWorkers(unsigned workers, std::chrono::milliseconds listenerDrain) {
    worker::WorkerPoolOptions options;
    options.workers = workers;
    options.listenerDrain = listenerDrain;
    return options;
}

class HttpListener : public testing::Test {
protected:
    explicit HttpListener(unsigned workers = 1, std::chrono::milliseconds listenerDrain = 1'500ms)
        : proxy({}, withWorkers(workers, listenerDrain)) {
        proxy.serve({endpoint.port()});
    }

    RawConnection sendRequest(std::uint16_t port, std::string_view request = kGet) {
        RawConnection client = RawConnection::connect(port);
        client.send(request);
        upstream = endpoint.accept();
        upstream.readUntil("\r\n\r\n");
        return client;
    }

    RawListener endpoint;
    ProxyFixture proxy;
    RawConnection upstream;
};

TEST_F(HttpListener, RemovedOneStopsAtOnceAndItsRequestsFinish) {
    const std::uint16_t port = proxy.openListener("second");
    RawConnection idle = sendRequest(port);
    upstream.send(kOk);
    EXPECT_EQ(idle.readResponse().body, "ok");
    RawConnection busy = RawConnection::connect(port);
    busy.send(kGet);
    upstream.readUntil("\r\n\r\n");
    proxy.closeListener("second");
    EXPECT_FALSE(RawConnection::connect(port).open());
    upstream.send(kOk);
    const auto response = busy.readResponse();
    EXPECT_EQ(response.body, "ok");
    EXPECT_EQ(idle.next(), Next::end);
    EXPECT_TRUE(proxy.eventually([&] { return proxy.counters().activeConnections <= 1; }));
    RawConnection other = proxy.client();
    other.send(kGet);
    upstream.readUntil("\r\n\r\n");
    upstream.send(kOk);
    EXPECT_EQ(other.readResponse().body, "ok");
}

TEST_F(HttpListener, ConnectionsOfARemovedOneEndAtTheDeadline) {
    const std::uint16_t port = proxy.openListener("second");
    RawConnection stuck = sendRequest(port);
    proxy.closeListener("second");
    EXPECT_EQ(stuck.next(), Next::end);
    EXPECT_EQ(upstream.next(), Next::end);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpListener, RequestOnARemovedOneIsToldToGoAway) {
    const std::uint16_t port = proxy.openListener("second");
    RawConnection client = sendRequest(port);
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().body, "ok");
    proxy.closeListener("second");
    client.send(kGet);
    const auto response = client.readResponse();
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
    EXPECT_EQ(client.next(), Next::end);
}

// Its connections have all the time they need.
class HttpListenerQueue : public HttpListener {
protected:
    HttpListenerQueue() : HttpListener(1, 60s) {}
};

// What the kernel completed before is served with the routes of that time. The second listener has
// the last index of the old table: with the new one it would be out of bounds. The endpoint closes
// each connection: a request that took over an idle one would not show up where this test accepts.
TEST_F(HttpListenerQueue, OfARemovedOneIsServed) {
    const std::uint16_t port = proxy.openListener("zlast");
    // Keeps the worker busy while the clients connect.
    auto many = std::make_shared<model::Endpoints>();
    for (int i = 0; i < 200'000; ++i)
        many->endpoints.push_back({"10.0." + std::to_string(i % 250) + ".1", std::uint16_t(i), 1});
    proxy.onControl([&](const std::function<void()>& done) {
        proxy.pool().updateEndpoints({{5, many}}, [] {});
        done();
    });
    std::vector<RawConnection> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(RawConnection::connect(port));
        clients.back().send(kGet);
    }
    std::thread closing([&] { proxy.closeListener("zlast"); });
    int answered = 0;
    std::thread serving([&] {
        for (int i = 0; i < 20; ++i) {
            RawConnection one = endpoint.accept();
            one.readUntil("\r\n\r\n");
            one.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    for (RawConnection& client : clients)
        answered += client.readResponse().status == 200;
    closing.join();
    serving.join();
    EXPECT_EQ(answered, 20);
}

TEST_F(HttpListener, ReplacedOneServesOnItsNewPort) {
    const std::uint16_t before = proxy.openListener("second");
    RawConnection client = sendRequest(before);
    const std::uint16_t after = proxy.openListener("second");
    ASSERT_NE(before, after);
    EXPECT_FALSE(RawConnection::connect(before).open());
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().body, "ok");
    RawConnection next = RawConnection::connect(after);
    next.send(kGet);
    upstream.readUntil("\r\n\r\n");
    upstream.send(kOk);
    EXPECT_EQ(next.readResponse().body, "ok");
    const auto stats = proxy.stats();
    EXPECT_EQ(stats.front().listeners.size(), 2u);
}

TEST_F(HttpListener, RemovedEndpointFinishesWhatItHasAndGetsNoMore) {
    RawConnection busy = sendRequest(proxy.port());
    RawConnection other = proxy.client();
    RawListener replacement;
    proxy.setEndpoints({replacement.port()});
    other.send(kGet);
    RawConnection second = replacement.accept();
    second.readUntil("\r\n\r\n");
    second.send(kOk);
    EXPECT_EQ(other.readResponse().body, "ok");
    upstream.send(kOk);
    EXPECT_EQ(busy.readResponse().body, "ok");
    EXPECT_EQ(upstream.next(), Next::end);  // not kept
    EXPECT_TRUE(proxy.eventually([&] { return proxy.backends().front().endpoints.size() == 1; }));
}

TEST_F(HttpListener, ForgottenBackendFinishesWhatItHas) {
    RawConnection busy = sendRequest(proxy.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    EXPECT_EQ(busy.readUntil("12345").substr(0, 12), "HTTP/1.1 200");
    proxy.forgetBackend();
    upstream.send("67890");
    EXPECT_EQ(busy.readExactly(5), "67890");
    busy.send(kGet);
    EXPECT_EQ(busy.readResponse().status, 404);
}

TEST_F(HttpListener, DrainFinishesRequestsAndClosesIdleConnections) {
    RawConnection idle = sendRequest(proxy.port());
    upstream.send(kOk);
    EXPECT_EQ(idle.readResponse().body, "ok");
    RawConnection busy = proxy.client();
    busy.send(kGet);
    upstream.readUntil("\r\n\r\n");
    std::size_t cut = 99;
    std::thread draining([&] { cut = proxy.drain(10s); });
    EXPECT_EQ(idle.next(), Next::end);
    EXPECT_FALSE(proxy.client().open());
    upstream.send(kOk);
    const auto response = busy.readResponse();
    EXPECT_EQ(response.body, "ok");
    EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
    EXPECT_EQ(busy.next(), Next::end);
    draining.join();
    EXPECT_EQ(cut, 0u);
}

TEST_F(HttpListener, DrainCutsAtItsDeadlineSoThatNothingLooksComplete) {
    RawConnection plain = sendRequest(proxy.port());
    RawConnection first = std::move(upstream);
    RawConnection old = sendRequest(proxy.port(), "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\n\r\nabc");
    EXPECT_FALSE(old.readUntil("abc").empty());
    EXPECT_EQ(proxy.drain(200ms), 2u);
    EXPECT_EQ(plain.next(), Next::end);
    EXPECT_EQ(old.next(), Next::reset);
    EXPECT_EQ(proxy.counters().activeRequests, 0u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpListener, DrainAskedTwiceAnswersBoth) {
    RawConnection busy = sendRequest(proxy.port());
    std::thread first([&] { EXPECT_EQ(proxy.drain(60s), 1u); });
    EXPECT_TRUE(proxy.eventually([&] { return !proxy.client().open(); }));
    EXPECT_EQ(proxy.drain(0ms), 1u);
    first.join();
}

TEST_F(HttpListener, NothingOpensWhileDraining) {
    proxy.drain(1s);
    const std::uint16_t port = proxy.openListener("late");
    EXPECT_FALSE(RawConnection::connect(port).open());
}

TEST_F(HttpListener, StopCutsWhatRuns) {
    RawConnection busy = sendRequest(proxy.port());
    proxy.pool().stop();
    EXPECT_EQ(busy.next(), Next::end);
    EXPECT_NE(upstream.next(), Next::nothing);
}

class HttpListenerWorkers : public HttpListener {
protected:
    HttpListenerWorkers() : HttpListener(3) {}
};

// Clients on all workers, while everything is published again and again, listeners come and go and
// endpoints change places.
TEST_F(HttpListenerWorkers, ThousandPublicationsFailNoRequest) {
    const ScriptedEndpoint one(answerAll("one"));
    const ScriptedEndpoint two(answerAll("two"));
    proxy.setEndpoints({one.port(), two.port()});
    std::atomic<bool> stop = false;
    std::atomic<int> answered = 0;
    std::atomic<int> failed = 0;
    std::vector<std::thread> clients;
    clients.reserve(4);
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back([&, reconnect = i % 2 == 0] {
            RawConnection client = proxy.client();
            while (!stop) {
                if (reconnect)
                    client = proxy.client();
                client.send(kGet);
                (client.readResponse().status == 200 ? answered : failed) += 1;
            }
        });
    }
    for (int i = 0; i < 1'000; ++i) {
        if (i % 100 == 0)
            proxy.openListener("extra");
        if (i % 100 == 50)
            proxy.closeListener("extra");
        if (i % 6 == 0)
            proxy.setEndpoints({one.port()});
        if (i % 6 == 3)
            proxy.setEndpoints({two.port(), one.port()});
        proxy.publish();
    }
    stop = true;
    for (std::thread& client : clients)
        client.join();
    EXPECT_GT(answered, 100);
    EXPECT_EQ(failed, 0);
    for (const worker::WorkerStats& stats : proxy.stats())
        EXPECT_EQ(stats.snapshotVersion, proxy.stats().front().snapshotVersion);
}

TEST_F(HttpListenerWorkers, DrainEndsOnEveryWorker) {
    const ScriptedEndpoint all(answerAll("x"));
    proxy.setEndpoints({all.port()});
    std::vector<RawConnection> clients;
    for (int i = 0; i < 30; ++i) {
        clients.push_back(proxy.client());
        clients.back().send(kGet);
        EXPECT_EQ(clients.back().readResponse().status, 200);
    }
    EXPECT_EQ(proxy.counters().idleConnections, 30u);
    EXPECT_EQ(proxy.drain(10s), 0u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().idleConnections, 0u);
}

}  // namespace
}  // namespace evergate::test
