// SPDX-License-Identifier: Apache-2.0
// Endpoints that passive checks take out and bring back, those that start slowly, and how even the
// workers spread requests.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kError =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno";

// Answers 200, or 500 while it is told to fail.
struct Endpoint {
    std::atomic<bool> failing{false};
    std::atomic<int> requests{0};
    ScriptedEndpoint server{[this](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n")) {
            ++requests;
            connection.send(failing ? kError : kOk);
        }
    }};
};

model::Backend inARow() {
    model::Backend backend;
    backend.outlier.consecutiveFailures = 3;
    backend.outlier.interval = hours(1);
    backend.outlier.ejectionTime = hours(1);
    return backend;
}

worker::WorkerPoolOptions workers(unsigned count) {
    worker::WorkerPoolOptions options;
    options.workers = count;
    return options;
}

class HttpOutlier : public testing::Test {
protected:
    HttpOutlier() { bad.failing = true; }

    int get() {
        RawConnection client = proxy.client();
        client.send(kGet);
        return client.readResponse().status;
    }

    std::uint64_t ejected() { return proxy.backends().at(0).ejected; }

    bool getUntilEjected(std::uint64_t count) {
        return proxy.eventually([&] {
            get();
            return ejected() == count;
        });
    }

    std::uint64_t ejections(upstream::EjectionReason reason) {
        return proxy.backends().at(0).ejections.at(static_cast<std::size_t>(reason));
    }

    Endpoint bad;
    Endpoint good;
    ProxyFixture proxy{{}, workers(3)};
};

TEST_F(HttpOutlier, FailuresInARowTakeAnEndpointOut) {
    proxy.serve({bad.server.port(), good.server.port()}, inARow());
    ASSERT_TRUE(getUntilEjected(1));
    EXPECT_EQ(ejections(upstream::EjectionReason::consecutive), 1u);
    const int before = bad.requests;
    for (int i = 0; i < 30; ++i)
        EXPECT_EQ(get(), 200);
    EXPECT_EQ(bad.requests, before);
    const auto backends = proxy.backends();
    for (const auto& endpoint : backends.at(0).endpoints)
        EXPECT_EQ(endpoint.ejected, endpoint.port == bad.server.port());
}

TEST_F(HttpOutlier, ConnectsThatFailCountToo) {
    std::uint16_t closed = 0;
    {
        const RawListener gone;
        closed = gone.port();
    }
    proxy.serve({closed, good.server.port()}, inARow());
    // A refused connect leaves it alone for a second each time, in each worker.
    ASSERT_TRUE(getUntilEjected(1));
    EXPECT_EQ(get(), 200);
}

TEST_F(HttpOutlier, ItComesBack) {
    model::Backend backend = inARow();
    backend.outlier.ejectionTime = milliseconds(300);
    proxy.serve({bad.server.port(), good.server.port()}, backend);
    ASSERT_TRUE(proxy.eventually([&] {
        get();
        return ejections(upstream::EjectionReason::consecutive) != 0;
    }));
    bad.failing = false;
    ASSERT_TRUE(proxy.eventually([&] { return ejected() == 0; }));
    const int before = bad.requests;
    EXPECT_TRUE(proxy.eventually([&] {
        EXPECT_EQ(get(), 200);
        return bad.requests > before;
    }));
}

TEST_F(HttpOutlier, TheOnlyOneServesOn) {
    proxy.serve({bad.server.port()}, inARow());
    ASSERT_TRUE(getUntilEjected(1));
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(get(), 500);  // its answers, not ours
    bad.failing = false;
    EXPECT_EQ(get(), 200);
}

TEST_F(HttpOutlier, NoMoreThanTheirShareGoOut) {
    Endpoint worse;
    worse.failing = true;
    proxy.serve({bad.server.port(), worse.server.port(), good.server.port()}, inARow());
    ASSERT_TRUE(getUntilEjected(1));
    for (int i = 0; i < 60; ++i)
        get();
    EXPECT_EQ(ejected(), 1u);  // two of three would be more than half
}

TEST_F(HttpOutlier, AShareOfFailuresTakesAnEndpointOut) {
    model::Backend backend = inARow();
    backend.outlier.consecutiveFailures = 0;
    backend.outlier.failurePercent = 60;
    backend.outlier.minimumRequests = 1;
    backend.outlier.interval = milliseconds(100);
    proxy.serve({bad.server.port(), good.server.port()}, backend);
    ASSERT_TRUE(getUntilEjected(1));
    EXPECT_EQ(ejections(upstream::EjectionReason::failureShare), 1u);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(get(), 200);
}

TEST_F(HttpOutlier, TurnedOffTheyAreAllIn) {
    proxy.serve({bad.server.port(), good.server.port()}, inARow());
    ASSERT_TRUE(getUntilEjected(1));
    bad.failing = false;
    proxy.serve({bad.server.port(), good.server.port()}, {});
    EXPECT_EQ(ejected(), 0u);
    const int before = bad.requests;
    for (int i = 0; i < 30; ++i)
        EXPECT_EQ(get(), 200);
    EXPECT_GT(bad.requests, before);
}

TEST_F(HttpOutlier, PanicUsesThemAll) {
    model::Backend backend = inARow();
    backend.panicPercent = 60;
    proxy.serve({bad.server.port(), good.server.port()}, backend);
    ASSERT_TRUE(getUntilEjected(1));
    EXPECT_TRUE(proxy.backends().at(0).panic);
    const int before = bad.requests;
    for (int i = 0; i < 30; ++i)
        get();
    EXPECT_GT(bad.requests, before);
}

TEST_F(HttpOutlier, ANewEndpointStartsSlowly) {
    model::Backend backend;
    backend.slowStart = hours(1);
    proxy.serve({good.server.port()}, backend);
    EXPECT_EQ(get(), 200);
    bad.failing = false;
    proxy.setEndpoints({good.server.port(), bad.server.port()});
    const auto backends = proxy.backends();
    for (const auto& endpoint : backends.at(0).endpoints)
        EXPECT_EQ(endpoint.slowStart, endpoint.port == bad.server.port());
    for (int i = 0; i < 300; ++i)
        EXPECT_EQ(get(), 200);
    EXPECT_GT(bad.requests, 0);    // 27 are expected
    EXPECT_LT(bad.requests, 100);  // half would be 150
}

TEST_F(HttpOutlier, WorkersTogetherSpreadEvenly) {
    std::array<Endpoint, 4> endpoints;
    std::vector<std::uint16_t> ports;
    for (const Endpoint& endpoint : endpoints)
        ports.push_back(endpoint.server.port());
    proxy.serve(ports);
    for (int i = 0; i < 400; ++i)
        ASSERT_EQ(get(), 200);
    // Each worker is exact to one request, wherever it began.
    for (const Endpoint& endpoint : endpoints)
        EXPECT_NEAR(endpoint.requests, 100, 3);
}

TEST_F(HttpOutlier, EwmaServesEverybodyAndPrefersTheFast) {
    model::Backend backend;
    backend.balance = model::BalanceAlgorithm::ewma;
    bad.failing = false;
    proxy.serve({bad.server.port(), good.server.port()}, backend);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(get(), 200);
    EXPECT_EQ(bad.requests + good.requests, 100);
}

}  // namespace
}  // namespace evergate::test
