// SPDX-License-Identifier: Apache-2.0
// Buffer memory: whatever clients do, all workers keep to the budget; what is new is refused before
// what is under way suffers.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http::ProxyError;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::size_t kBudget = 2 * 1024 * 1024;
constexpr std::size_t kHalfHeads = 200;  // of 16 KiB: more than the budget

worker::WorkerPoolOptions options() {
    worker::WorkerPoolOptions options;
    options.workers = 1;
    options.bufferBytes = kBudget;
    return options;
}

// Half a head may stay half for as long as a test takes.
model::Settings settings() {
    model::Settings settings;
    settings.headTimeout = std::chrono::minutes(5);
    return settings;
}

class BufferLimits : public testing::Test {
protected:
    std::uint64_t refused() {
        return proxy.counters().errors[static_cast<std::size_t>(ProxyError::bufferMemory)];
    }

    // Looks again and again that nobody exceeds the budget.
    bool eventuallyWithin(const std::function<bool()>& holds) {
        return proxy.eventually([&] {
            most = std::max<std::size_t>(most, proxy.stats().front().bufferBytes);
            return holds();
        });
    }

    // Clients with half a request head each, until all there is for them is used: the others are
    // refused.
    std::vector<RawConnection> halfHeads() {
        std::vector<RawConnection> clients;
        for (std::size_t i = 0; i < kHalfHeads; ++i) {
            clients.push_back(proxy.client());
            clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n");
        }
        EXPECT_TRUE(eventuallyWithin([&] { return waiting() + refused() == kHalfHeads; }));
        EXPECT_GT(refused(), 0u);
        return clients;
    }

    std::uint64_t waiting() {
        const auto all = proxy.connections();
        return static_cast<std::uint64_t>(std::count_if(
            all.begin(), all.end(), [](const auto& each) { return each.state == "head"; }));
    }

    // Also: memory that was given back serves others.
    bool eventuallyServed() {
        return proxy.eventually([&] {
            RawConnection client = proxy.client();
            client.send(kGet);
            return client.readResponse().status == 200;
        });
    }

    std::size_t most = 0;
    const std::string body = std::string(4 * 1024 * 1024, 'x');
    const std::string bigResponse =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    // They outlive the proxy, whose idle connections they wait for.
    ScriptedEndpoint big{[this](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send(bigResponse);
    }};
    ScriptedEndpoint small{answerAll("ok")};
    ProxyFixture proxy{settings(), options()};
};

TEST_F(BufferLimits, SlowReadersKeepToTheBudget) {
    proxy.serve({big.port()});
    std::vector<RawConnection> clients;
    // Without a limit they would hold 260 KiB each: more than seven times the budget.
    for (int i = 0; i < 60; ++i) {
        clients.push_back(proxy.client(4'096));
        clients.back().send(kGet);
    }
    // Whoever came in before the memory was used waits, the others are told.
    ASSERT_TRUE(eventuallyWithin(
        [&] { return proxy.stats().front().bufferPauses != 0 || refused() != 0; }));
    std::string head;
    ASSERT_TRUE(eventuallyWithin([&] {
        clients.push_back(proxy.client(4'096));
        clients.back().send(kGet);
        head = clients.back().readUntil("\r\n\r\n");
        return head.starts_with("HTTP/1.1 503 ");
    }));
    EXPECT_NE(head.find("\r\nRetry-After: "), std::string::npos);
    EXPECT_GE(refused(), 1u);
    EXPECT_GT(most, kBudget / 2);
    EXPECT_LE(most, kBudget);
    EXPECT_LE(proxy.pool().limitUse().bufferBytes, kBudget);
    EXPECT_EQ(proxy.stats().front().bufferOverdrafts, 0u);
    clients.clear();
    ASSERT_TRUE(proxy.eventuallyQuiet());
    proxy.setEndpoints({small.port()});
    EXPECT_TRUE(eventuallyServed());
}

TEST_F(BufferLimits, WhoReadsIsServedWhileOthersHoldAllThereIs) {
    RawListener endpoint;
    proxy.serve({endpoint.port()});
    RawConnection reader = proxy.client();
    reader.send(kGet);
    RawConnection upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    const auto others = halfHeads();
    // It waits for its answer since before, and gets all of it.
    std::thread sender([&] { upstream.send(bigResponse); });
    const auto response = reader.readResponse();
    sender.join();
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.body == body);
}

// What the kernel has queued for a client is no buffer of ours, but memory of the machine all the
// same: without a limit it would take more than two megabytes on loopback.
TEST_F(BufferLimits, WhoDoesNotReadCostsTheKernelLittle) {
    proxy.serve({big.port()});
    RawConnection client = proxy.client(4'096);
    client.send(kGet);
    ASSERT_TRUE(proxy.eventuallyIn("client_blocked"));
    client.reset();
    ASSERT_TRUE(proxy.eventuallyQuiet());
    EXPECT_LT(proxy.counters().bytesToClients, 256u * 1024);
}

TEST_F(BufferLimits, HalfHeadsKeepToTheBudgetAndAreTold) {
    proxy.serve({small.port()});
    auto clients = halfHeads();
    EXPECT_LE(most, kBudget);
    const auto told = std::find_if(clients.begin(), clients.end(),
                                   [](const RawConnection& client) { return !client.quiet(); });
    ASSERT_NE(told, clients.end());
    const auto response = told->readResponse();
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.head.find("\r\nRetry-After: "), std::string::npos);
    clients.clear();
    EXPECT_TRUE(eventuallyServed());
}

TEST_F(BufferLimits, RequestsOnKeptConnectionsAreRefusedAndStayConnected) {
    proxy.serve({small.port()});
    RawConnection kept = proxy.client();
    kept.send(kGet);
    ASSERT_EQ(kept.readResponse().status, 200);
    auto clients = halfHeads();
    RawConnection::Response response;
    // There may be room for one of them yet.
    ASSERT_TRUE(proxy.eventually([&] {
        clients.push_back(proxy.client());
        clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n");
        kept.send(kGet);
        response = kept.readResponse();
        return response.status == 503;
    }));
    EXPECT_EQ(response.head.find("Connection: close"), std::string::npos) << response.head;
    clients.clear();
    EXPECT_TRUE(proxy.eventually([&] {
        kept.send(kGet);
        return kept.readResponse().status == 200;
    }));
}

}  // namespace
}  // namespace evergate::test
