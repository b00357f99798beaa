// SPDX-License-Identifier: Apache-2.0
// Connection limits: no endpoint gets more than it takes, who waits is served in order, and nobody
// waits without end.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using namespace std::chrono_literals;
using Next = RawConnection::Next;
using http::ProxyError;

std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

model::Backend limited(std::uint32_t connections) {
    model::Backend backend;
    backend.maxConnections = connections;
    return backend;
}

class HttpQueue : public testing::Test {
protected:
    HttpQueue() { proxy.serve({endpoint.port()}, limited(1)); }

    RawConnection send(std::string_view request) {
        RawConnection client = proxy.client();
        client.send(request);
        return client;
    }

    // One that is with the endpoint now: the only slot is taken.
    RawConnection occupy() {
        RawConnection client = send(get("/first"));
        upstream = endpoint.accept();
        upstream.readUntil("\r\n\r\n");
        return client;
    }

    RawConnection enqueue(std::string_view request) {
        const std::uint64_t before = proxy.counters().queued;
        RawConnection client = send(request);
        EXPECT_TRUE(eventuallyQueued(before + 1));
        return client;
    }

    bool eventuallyQueued(std::uint64_t count) {
        return proxy.eventually([&] { return proxy.counters().queued == count; });
    }

    std::uint64_t errors(ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    std::uint64_t waited() {
        const session::Counters counters = proxy.counters();
        return std::accumulate(counters.queueWaits.buckets.begin(),
                               counters.queueWaits.buckets.end(), std::uint64_t{0});
    }

    RawListener endpoint;
    ProxyFixture proxy;
    RawConnection upstream;
};

TEST_F(HttpQueue, WaitsForTheRequestBefore) {
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    EXPECT_TRUE(proxy.eventuallyIn("queued"));
    EXPECT_EQ(endpoint.acceptNow(), -1);
    EXPECT_TRUE(upstream.quiet());
    upstream.send(kOk);
    EXPECT_EQ(first.readResponse().status, 200);
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /second "));
    upstream.send(kOk);
    EXPECT_EQ(second.readResponse().status, 200);
    EXPECT_EQ(proxy.counters().queued, 0u);
    EXPECT_EQ(waited(), 1u);
}

TEST_F(HttpQueue, LeavesAtTheTimeout) {
    model::Backend backend = limited(1);
    backend.queueTimeout = 300ms;
    proxy.serve({endpoint.port()}, backend);
    RawConnection first = occupy();
    const auto begin = std::chrono::steady_clock::now();
    RawConnection second = enqueue(get("/second"));
    const auto response = second.readResponse();
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.head.find("\r\nRetry-After: "), std::string::npos);
    EXPECT_EQ(errors(ProxyError::queueTimeout), 1u);
    EXPECT_EQ(proxy.counters().queued, 0u);
    // The connection stays, and the slot is where it was.
    second.send(get("/third"));
    EXPECT_TRUE(eventuallyQueued(1));
    upstream.send(kOk);
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /third "));
    upstream.send(kOk);
    EXPECT_EQ(second.readResponse().status, 200);
}

TEST_F(HttpQueue, FullQueueIsRefusedAtOnce) {
    model::Backend backend = limited(1);
    backend.maxPending = 2;
    proxy.serve({endpoint.port()}, backend);
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    RawConnection third = enqueue(get("/third"));
    RawConnection fourth = send(get("/fourth"));
    const auto response = fourth.readResponse();
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.head.find("\r\nRetry-After: "), std::string::npos);
    EXPECT_EQ(errors(ProxyError::queueFull), 1u);
    second.close();
    EXPECT_TRUE(eventuallyQueued(1));
    fourth.send(get("/fifth"));
    EXPECT_TRUE(eventuallyQueued(2));
}

TEST_F(HttpQueue, WithoutAQueueNobodyWaits) {
    model::Backend backend = limited(1);
    backend.maxPending = 0;
    proxy.serve({endpoint.port()}, backend);
    RawConnection first = occupy();
    EXPECT_EQ(send(get("/second")).readResponse().status, 503);
    upstream.send(kOk);
    EXPECT_EQ(first.readResponse().status, 200);
}

TEST_F(HttpQueue, ClientThatLeavesMakesRoom) {
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    RawConnection third = enqueue(get("/third"));
    RawConnection fourth = enqueue(get("/fourth"));
    second.close();
    third.reset();
    EXPECT_TRUE(eventuallyQueued(1));
    EXPECT_EQ(errors(ProxyError::clientClosed), 2u);
    upstream.send(kOk);
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /fourth "));
}

TEST_F(HttpQueue, ClientThatHasLeftAlreadyDoesNotWait) {
    RawConnection first = occupy();
    RawConnection second = proxy.client();
    second.send("GET /second HTTP/1.1\r\n");
    ASSERT_TRUE(proxy.eventuallyIn("head"));
    second.send("Host: a\r\n\r\n");
    second.shutdownWrite();
    EXPECT_TRUE(proxy.eventually([&] { return errors(ProxyError::clientClosed) == 1; }));
    EXPECT_EQ(proxy.counters().queued, 0u);
}

TEST_F(HttpQueue, FirstComeFirstServed) {
    RawConnection first = occupy();
    std::vector<RawConnection> clients;
    for (int i = 0; i < 10; ++i)
        clients.push_back(enqueue(get("/" + std::to_string(i))));
    for (int i = 0; i < 10; ++i) {
        upstream.send(kOk);
        const std::string head = upstream.readUntil("\r\n\r\n");
        EXPECT_TRUE(head.starts_with("GET /" + std::to_string(i) + " ")) << head;
    }
}

// A new request on a connection that is there already does not overtake.
TEST_F(HttpQueue, NewRequestsGoToTheEnd) {
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    first.send(get("/again"));
    upstream.send(kOk);
    EXPECT_EQ(first.readResponse().status, 200);
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /second "));
    EXPECT_TRUE(eventuallyQueued(1));
    upstream.send(kOk);
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /again "));
}

TEST_F(HttpQueue, BodiesThatCameEarlyArriveWhole) {
    RawConnection first = occupy();
    const std::string body(300'000, 'x');
    RawConnection second =
        enqueue("PUT /second HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" +
                body.substr(0, 1'000));
    second.send(body.substr(1'000));
    upstream.send(kOk);
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("PUT /second "));
    EXPECT_TRUE(upstream.readExactly(body.size()) == body);
    upstream.send(kOk);
    EXPECT_EQ(second.readResponse().status, 200);
}

TEST_F(HttpQueue, EveryEndpointIsUsedBeforeAnyoneWaits) {
    RawListener other;
    proxy.setEndpoints({endpoint.port(), other.port()});
    RawConnection first = send(get("/first"));
    RawConnection second = send(get("/second"));
    RawConnection a = endpoint.accept();
    RawConnection b = other.accept();
    EXPECT_TRUE(a.open() && b.open());
    RawConnection third = enqueue(get("/third"));
    b.readUntil("\r\n\r\n");
    b.send(kOk);
    EXPECT_TRUE(b.readUntil("\r\n\r\n").starts_with("GET /third "));
}

TEST_F(HttpQueue, WaitingIsBetterThanADeadEndpoint) {
    std::uint16_t refused = 0;
    { refused = RawListener().port(); }
    model::Backend backend = limited(1);
    backend.retries = 3;
    proxy.serve({endpoint.port(), refused}, backend);
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    upstream.send(kOk);
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /second "));
    upstream.send(kOk);
    EXPECT_EQ(second.readResponse().status, 200);
}

TEST_F(HttpQueue, NewEndpointServesThoseWhoWait) {
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    RawListener other;
    proxy.setEndpoints({endpoint.port(), other.port()});
    RawConnection fresh = other.accept();
    EXPECT_TRUE(fresh.readUntil("\r\n\r\n").starts_with("GET /second "));
}

TEST_F(HttpQueue, LimitCanChangeWhileRequestsWait) {
    RawConnection first = occupy();
    std::vector<RawConnection> waiting;
    for (int i = 0; i < 3; ++i)
        waiting.push_back(enqueue(get("/")));
    proxy.serve({endpoint.port()}, limited(2));
    RawConnection second = endpoint.accept();
    EXPECT_TRUE(eventuallyQueued(2));
    proxy.serve({endpoint.port()}, limited(1));
    // Lower than what runs: the next one begins when the last but one has ended.
    second.readUntil("\r\n\r\n");
    second.send(kOk);
    EXPECT_EQ(waiting[0].readResponse().status, 200);
    EXPECT_EQ(proxy.counters().queued, 2u);
    proxy.serve({endpoint.port()}, limited(0));
    EXPECT_TRUE(eventuallyQueued(0));
    upstream.send(kOk);
    EXPECT_EQ(first.readResponse().status, 200);
}

TEST_F(HttpQueue, LimitThatComesCountsWhatRuns) {
    proxy.serve({endpoint.port()}, limited(0));
    RawConnection first = occupy();
    RawConnection second = send(get("/second"));
    RawConnection other = endpoint.accept();
    proxy.serve({endpoint.port()}, limited(2));
    RawConnection third = enqueue(get("/third"));
    other.readUntil("\r\n\r\n");
    other.send(kOk);
    EXPECT_TRUE(other.readUntil("\r\n\r\n").starts_with("GET /third "));
}

TEST_F(HttpQueue, EndpointThatComesBackIsStillBusy) {
    RawConnection first = occupy();
    RawListener other;
    proxy.setEndpoints({other.port()});
    proxy.setEndpoints({endpoint.port()});
    RawConnection second = enqueue(get("/second"));
    EXPECT_EQ(endpoint.acceptNow(), -1);
    upstream.send(kOk);
    EXPECT_EQ(first.readResponse().status, 200);
    RawConnection fresh = endpoint.accept();
    EXPECT_TRUE(fresh.readUntil("\r\n\r\n").starts_with("GET /second "));
}

TEST_F(HttpQueue, BackendThatGoesTellsThoseWhoWait) {
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    proxy.forgetBackend();
    EXPECT_EQ(second.readResponse().status, 503);
    EXPECT_EQ(errors(ProxyError::noEndpoint), 1u);
    EXPECT_EQ(proxy.counters().queued, 0u);
}

TEST_F(HttpQueue, TunnelsKeepTheirSlot) {
    RawConnection first =
        send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    upstream.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    first.readUntil("\r\n\r\n");
    RawConnection second = enqueue(get("/second"));
    first.close();
    upstream.close();
    RawConnection fresh = endpoint.accept();
    EXPECT_TRUE(fresh.readUntil("\r\n\r\n").starts_with("GET /second "));
}

TEST_F(HttpQueue, FailedRequestsGiveTheirSlotBack) {
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    upstream.close();
    EXPECT_EQ(first.readResponse().status, 502);
    RawConnection fresh = endpoint.accept();
    fresh.readUntil("\r\n\r\n");
    RawConnection third = enqueue(get("/third"));
    second.reset();  // the client of the one under way
    RawConnection last = endpoint.accept();
    EXPECT_TRUE(last.readUntil("\r\n\r\n").starts_with("GET /third "));
}

TEST_F(HttpQueue, TcpConnectionsWaitToo) {
    const std::uint16_t port = proxy.openListener("tcp", 0, model::ListenerProtocol::tcp);
    RawConnection first = RawConnection::connect(port);
    upstream = endpoint.accept();
    RawConnection second = RawConnection::connect(port);
    EXPECT_TRUE(eventuallyQueued(1));
    RawConnection third = enqueue(get("/third"));
    RawConnection fourth = RawConnection::connect(port);
    EXPECT_TRUE(eventuallyQueued(3));
    fourth.close();
    EXPECT_TRUE(eventuallyQueued(2));
    first.close();
    upstream.close();
    upstream = endpoint.accept();
    second.send("hello");
    EXPECT_EQ(upstream.readExactly(5), "hello");
    second.close();
    upstream.close();
    upstream = endpoint.accept();
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /third "));
}

TEST_F(HttpQueue, TcpConnectionsLeaveAtTheTimeout) {
    model::Backend backend = limited(1);
    backend.queueTimeout = 200ms;
    proxy.serve({endpoint.port()}, backend);
    const std::uint16_t port = proxy.openListener("tcp", 0, model::ListenerProtocol::tcp);
    RawConnection first = occupy();
    RawConnection second = RawConnection::connect(port);
    EXPECT_EQ(second.next(), Next::reset);
    EXPECT_EQ(errors(ProxyError::queueTimeout), 1u);
}

TEST_F(HttpQueue, DrainCutsWhoStillWaits) {
    RawConnection first = occupy();
    RawConnection second = enqueue(get("/second"));
    EXPECT_EQ(proxy.drain(200ms), 2u);
    EXPECT_EQ(proxy.counters().queued, 0u);
}

// Counts how many requests it has at once.
class CountingEndpoint {
public:
    CountingEndpoint()
        : endpoint_([this](RawConnection& connection, int) {
              for (std::string head; (head = connection.readUntil("\r\n\r\n")).size() > 4;) {
                  const int now = ++running_;
                  int most = most_;
                  while (now > most && !most_.compare_exchange_weak(most, now)) {
                  }
                  std::this_thread::sleep_for(std::chrono::microseconds(200));  // its work
                  --running_;
                  connection.send(kOk);
              }
          }) {}

    std::uint16_t port() const { return endpoint_.port(); }

    int most() const { return most_; }

private:
    std::atomic<int> running_{0};
    std::atomic<int> most_{0};
    ScriptedEndpoint endpoint_;
};

struct Crowd {
    int clients;
    int requests;
    bool leaves;  // some do not wait for their answer
};

// Everybody that stays is answered with 200.
void run(ProxyFixture& proxy, const Crowd& crowd) {
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < crowd.clients; ++i) {
        threads.emplace_back([&, i] {
            RawConnection client = proxy.client();
            for (int n = 0; n < crowd.requests; ++n) {
                client.send(get("/"));
                if (crowd.leaves && (i + n) % 5 == 0) {
                    client.close();
                    client = proxy.client();
                    ++good;
                } else if (client.readResponse().status == 200) {
                    ++good;
                }
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(good, crowd.clients * crowd.requests);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().queued, 0u);
}

worker::WorkerPoolOptions threeWorkers() {
    worker::WorkerPoolOptions options;
    options.workers = 3;
    return options;
}

TEST(HttpQueueOfManyWorkers, TheLimitIsExact) {
    CountingEndpoint endpoint;
    ProxyFixture proxy({}, threeWorkers());
    proxy.serve({endpoint.port()}, limited(2));
    run(proxy, {16, 40, false});
    EXPECT_LE(endpoint.most(), 2);
    const auto waits = proxy.counters().queueWaits.buckets;
    EXPECT_GT(std::accumulate(waits.begin(), waits.end(), std::uint64_t{0}), 0u);
}

TEST(HttpQueueOfManyWorkers, NobodyIsForgottenWhenSomeLeave) {
    CountingEndpoint one;
    CountingEndpoint two;
    ProxyFixture proxy({}, threeWorkers());
    proxy.serve({one.port(), two.port()}, limited(1));
    run(proxy, {16, 40, true});
}

TEST(HttpQueueOfManyWorkers, EndpointsAndLimitsMayChangeMeanwhile) {
    CountingEndpoint one;
    CountingEndpoint two;
    ProxyFixture proxy({}, threeWorkers());
    proxy.serve({one.port()}, limited(2));
    std::atomic<bool> done{false};
    std::thread change([&] {
        for (std::uint32_t i = 0; !done; ++i) {
            proxy.serve(i % 2 == 0 ? std::vector{one.port(), two.port()} : std::vector{two.port()},
                        limited(i % 4));
        }
    });
    run(proxy, {12, 40, false});
    done = true;
    change.join();
}

// Waiting requests of all workers form one line: none waits for as long as all others take.
TEST(HttpQueueOfManyWorkers, WorkersShareFairly) {
    RawListener endpoint;
    ProxyFixture proxy({}, threeWorkers());
    proxy.serve({endpoint.port()}, limited(1));
    std::vector<RawConnection> clients;
    for (int i = 0; i < 12; ++i) {
        clients.push_back(proxy.client());
        clients.back().send(get("/" + std::to_string(i)));
        ASSERT_TRUE(proxy.eventuallyIn("await_response"));
        ASSERT_TRUE(proxy.eventually(
            [&] { return proxy.counters().queued == static_cast<std::uint64_t>(i); }));
    }
    for (int i = 0; i < 12; ++i) {
        RawConnection upstream = endpoint.accept();
        const std::string head = upstream.readUntil("\r\n\r\n");
        EXPECT_TRUE(head.starts_with("GET /" + std::to_string(i) + " ")) << head;
        upstream.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        EXPECT_EQ(clients[static_cast<std::size_t>(i)].readResponse().status, 200);
    }
}

}  // namespace
}  // namespace evergate::test
