// SPDX-License-Identifier: Apache-2.0
// Requests that are tried again with another endpoint, and those that are not; second connects.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
constexpr std::string_view kBusyChunked =
    "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n";

// Answers every request (without a body) in the same way and counts them.
ScriptedEndpoint::Script answer(std::string_view text, std::atomic<int>& count) {
    return [text, &count](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n")) {
            ++count;
            connection.send(text);
        }
    };
}

// Takes requests and never answers.
ScriptedEndpoint::Script keep(std::atomic<int>& count) {
    return [&count](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n"))
            ++count;
    };
}

model::Backend retryBusy() {
    model::Backend backend;
    backend.retryStatuses = {503};
    return backend;
}

// One endpoint that is always busy and one that is fine.
class HttpRetry : public testing::Test {
protected:
    void serve(const model::Backend& backend) { proxy.serve({busy.port(), fine.port()}, backend); }

    int statusOf(std::string_view request) {
        RawConnection client = proxy.client();
        client.send(request);
        return client.readResponse().status;
    }

    std::atomic<int> busyRequests{0};
    std::atomic<int> fineRequests{0};
    ScriptedEndpoint busy{answer(kBusy, busyRequests)};
    ScriptedEndpoint fine{answer(kOk, fineRequests)};
    ProxyFixture proxy;
};

TEST_F(HttpRetry, AStatusIsTriedElsewhere) {
    serve(retryBusy());
    RawConnection client = proxy.client();
    for (int i = 0; i < 20; ++i) {
        client.send(kGet);
        const auto response = client.readResponse();
        ASSERT_EQ(response.status, 200);
        ASSERT_EQ(response.body, "ok");
    }
    EXPECT_EQ(fineRequests, 20);
    EXPECT_GT(busyRequests, 0);
    EXPECT_EQ(proxy.counters().retries, static_cast<std::uint64_t>(busyRequests));
    // The answer that was not passed on was whole: its connection stays.
    EXPECT_EQ(busy.accepted(), 1);
    EXPECT_EQ(proxy.backends().at(0).traffic->retries, static_cast<std::uint64_t>(busyRequests));
}

// The endpoint takes that connection for the client.
TEST_F(HttpRetry, AConnectionWithCredentialsOfItsOwnIsNotShared) {
    serve(retryBusy());
    const auto askUntil = [this](std::string_view fields, int busyOnes) {
        for (int i = 0; i < 4 && busyRequests != busyOnes; ++i)
            EXPECT_EQ(statusOf("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"),
                      200);
        EXPECT_EQ(busyRequests, busyOnes);
    };
    askUntil("Authorization: NTLM abc\r\n", 1);
    askUntil("", 2);
    EXPECT_EQ(busy.accepted(), 2);
    askUntil("", 3);
    EXPECT_EQ(busy.accepted(), 2);
}

TEST_F(HttpRetry, OnlyStatusesThatAreNamed) {
    model::Backend backend;
    backend.retryStatuses = {502, 504};
    serve(backend);
    int refused = 0;
    for (int i = 0; i < 10; ++i)
        refused += statusOf(kGet) == 503;
    EXPECT_EQ(refused, 5);
    EXPECT_EQ(proxy.counters().retries, 0u);
}

TEST_F(HttpRetry, WhatMustNotBeRepeatedIsNot) {
    serve(retryBusy());
    int refused = 0;
    for (const std::string_view request :
         {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\n\r\n"}) {
        for (int i = 0; i < 2; ++i)
            refused += statusOf(request) == 503;
    }
    EXPECT_EQ(refused, 4);
    EXPECT_EQ(busyRequests + fineRequests, 8);
    EXPECT_EQ(proxy.counters().retries, 0u);
}

TEST_F(HttpRetry, AnEmptyBodyIsNone) {
    serve(retryBusy());
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(statusOf("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), 200);
    EXPECT_EQ(proxy.counters().retries, static_cast<std::uint64_t>(busyRequests));
    EXPECT_GT(busyRequests, 0);
}

TEST_F(HttpRetry, WhatWasSentOfABodyIsGone) {
    std::atomic<int> bodies{0};
    const auto script = [&](std::string_view text) {
        return [&bodies, text](RawConnection& connection, int) {
            while (connection.readUntil("\r\n\r\nbody").ends_with("body")) {
                ++bodies;
                connection.send(text);
            }
        };
    };
    const ScriptedEndpoint one(script(kBusy));
    const ScriptedEndpoint two(script(kOk));
    proxy.serve({one.port(), two.port()}, retryBusy());
    int refused = 0;
    for (int i = 0; i < 4; ++i)
        refused += statusOf("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody") == 503;
    EXPECT_EQ(refused, 2);
    EXPECT_EQ(bodies, 4);
}

TEST_F(HttpRetry, WhoHasNobodyElseGetsTheAnswer) {
    proxy.serve({busy.port()}, retryBusy());
    RawConnection client = proxy.client();
    for (int i = 0; i < 3; ++i) {
        client.send(kGet);
        const auto response = client.readResponse();
        EXPECT_EQ(response.status, 503);
        EXPECT_EQ(response.body, "busy");  // the endpoint's own, not ours
    }
    EXPECT_EQ(proxy.counters().retries, 0u);
}

TEST_F(HttpRetry, TheLastAnswerIsPassedOn) {
    std::atomic<int> count{0};
    const ScriptedEndpoint other{answer(kBusyChunked, count)};
    proxy.serve({busy.port(), other.port()}, retryBusy());
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(statusOf(kGet), 503);
    EXPECT_EQ(busyRequests + count, 12);
}

TEST_F(HttpRetry, WithoutRetriesNothingIsTriedAgain) {
    model::Backend backend = retryBusy();
    backend.retries = 0;
    serve(backend);
    int refused = 0;
    for (int i = 0; i < 6; ++i)
        refused += statusOf(kGet) == 503;
    EXPECT_EQ(refused, 3);
}

TEST_F(HttpRetry, SlotsAreGivenBack) {
    model::Backend backend = retryBusy();
    backend.maxConnections = 1;
    backend.affinityCookie = "route";
    serve(backend);
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(statusOf(kGet), 200);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.backends().at(0).active, 0u);
}

TEST_F(HttpRetry, TheBudgetBoundsWhatIsUnderWay) {
    std::atomic<int> kept{0};
    const ScriptedEndpoint slow{keep(kept)};
    model::Backend backend = retryBusy();
    backend.retryBudgetPercent = 0;  // three at once are left
    proxy.serve({busy.port(), slow.port()}, backend);
    std::vector<RawConnection> clients;
    const auto denied = [&] { return proxy.counters().retriesDenied; };
    while (denied() == 0 && clients.size() < 20) {
        clients.push_back(proxy.client());
        clients.back().send(kGet);
        const auto sent = clients.size();
        ASSERT_TRUE(
            proxy.eventually([&] { return static_cast<std::uint64_t>(kept) + denied() == sent; }));
    }
    EXPECT_EQ(denied(), 1u);
    EXPECT_EQ(clients.back().readResponse().status, 503);
    EXPECT_EQ(proxy.counters().retries, 3u);
    EXPECT_EQ(proxy.backends().at(0).traffic->retriesDenied, 1u);
    // When those have ended there is room again.
    clients.clear();
    ASSERT_TRUE(proxy.eventuallyQuiet());
    proxy.setEndpoints({busy.port(), fine.port()});
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(statusOf(kGet), 200);
}

TEST_F(HttpRetry, ATryThatTakesTooLongIsMadeElsewhere) {
    std::atomic<int> requests{0};
    std::atomic<bool> moved{false};
    // Nobody answers before the request has moved, whoever had it first.
    const auto script = [&](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n")) {
            ++requests;
            moved.wait(false);
            connection.send(kOk);
        }
    };
    const ScriptedEndpoint one(script);
    const ScriptedEndpoint two(script);
    model::Backend backend;
    backend.perTryTimeout = milliseconds(100);
    proxy.serve({one.port(), two.port()}, backend);
    RawConnection client = proxy.client();
    client.send(kGet);
    EXPECT_TRUE(proxy.eventually([&] { return proxy.counters().retries == 1; }));
    moved = true;
    moved.notify_all();
    EXPECT_EQ(client.readResponse().status, 200);
    EXPECT_GE(requests, 1);  // who was slow may not have read it yet
    EXPECT_EQ(proxy.counters().retries, 1u);
    EXPECT_EQ(proxy.backends().at(0).totals.failures, 1u);
}

TEST_F(HttpRetry, ATryGoesOnWhenNobodyElseIsThere) {
    RawListener endpoint;
    model::Backend backend;
    backend.perTryTimeout = milliseconds(100);
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    client.send(kGet);
    RawConnection upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(proxy.eventually(
        [&] { return std::chrono::steady_clock::now() - begin > milliseconds(500); }));
    ASSERT_TRUE(upstream.quiet());
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().status, 200);
    EXPECT_EQ(proxy.counters().retries, 0u);
}

TEST_F(HttpRetry, ThePartOfATryCountsForTheWhole) {
    std::atomic<int> kept{0};
    const ScriptedEndpoint slow{keep(kept)};
    model::Backend backend;
    backend.perTryTimeout = milliseconds(100);
    backend.responseTimeout = milliseconds(300);
    proxy.serve({slow.port()}, backend);
    EXPECT_EQ(statusOf(kGet), 504);
    EXPECT_EQ(kept, 1);
}

TEST_F(HttpRetry, AnUnsafeRequestKeepsItsTry) {
    RawListener endpoint;
    model::Backend backend;
    backend.perTryTimeout = milliseconds(100);
    proxy.serve({endpoint.port(), fine.port()}, backend);
    std::vector<RawConnection> clients;
    for (int i = 0; i < 2; ++i) {  // one of the two comes to us
        clients.push_back(proxy.client());
        clients.back().send("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    RawConnection upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(proxy.eventually(
        [&] { return std::chrono::steady_clock::now() - begin > milliseconds(500); }));
    upstream.send(kOk);
    for (RawConnection& client : clients)
        EXPECT_EQ(client.readResponse().status, 200);
    EXPECT_EQ(proxy.counters().retries, 0u);
    EXPECT_EQ(fineRequests, 1);
}

TEST_F(HttpRetry, ASecondConnectHelpsOutOfABlackHole) {
    const BlackHole nowhere;
    model::Backend backend;
    backend.hedgeConnect = milliseconds(100);
    backend.retries = 0;
    backend.maxConnections = 10;
    proxy.serve({nowhere.port(), fine.port()}, backend);
    for (int i = 0; i < 4; ++i)
        ASSERT_EQ(statusOf(kGet), 200);
    EXPECT_EQ(fineRequests, 4);
    EXPECT_GT(proxy.counters().hedges, 0u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.backends().at(0).active, 0u);
}

// Half of the time for connecting is over then, not none of it.
TEST_F(HttpRetry, WhatPassedBeforeASecondConnectCountsForTheWhole) {
    const BlackHole nowhere;
    model::Backend backend;
    backend.hedgeConnect = milliseconds(2'900);
    backend.connectTimeout = milliseconds(3'000);
    backend.retries = 0;
    proxy.serve({nowhere.port()}, backend);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(statusOf(kGet), 504);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5'500));
}

TEST_F(HttpRetry, ASecondConnectThatFailsLeavesTheFirst) {
    const BlackHole nowhere;
    std::uint16_t closed = 0;
    {
        const RawListener gone;
        closed = gone.port();
    }
    model::Backend backend;
    backend.hedgeConnect = milliseconds(100);
    backend.connectTimeout = milliseconds(300);
    backend.retries = 0;
    proxy.serve({nowhere.port(), closed}, backend);
    for (int i = 0; i < 2; ++i) {
        const int status = statusOf(kGet);
        EXPECT_TRUE(status == 504 || status == 502) << status;
    }
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.backends().at(0).active, 0u);
}

TEST_F(HttpRetry, ClientsThatLeaveEndBothConnects) {
    const BlackHole one;
    const BlackHole two;
    model::Backend backend;
    backend.hedgeConnect = milliseconds(100);
    backend.connectTimeout = milliseconds(60'000);
    proxy.serve({one.port(), two.port()}, backend);
    RawConnection client = proxy.client();
    client.send(kGet);
    ASSERT_TRUE(proxy.eventually([&] { return proxy.counters().hedges == 1; }));
    EXPECT_EQ(proxy.backends().at(0).active, 2u);
    client.reset();
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.backends().at(0).active, 0u);
}

}  // namespace
}  // namespace evergate::test
