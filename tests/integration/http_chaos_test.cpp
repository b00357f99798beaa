// SPDX-License-Identifier: Apache-2.0
// Random clients, endpoints and configuration changes: no crash, no hang, no mixed-up, repeated or
// seemingly complete message, and in the end every counter is zero and every descriptor closed.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/http_chaos.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using namespace std::chrono_literals;

class HttpChaos : public testing::TestWithParam<int> {
protected:
    static model::Settings settings() {
        model::Settings settings;
        settings.headTimeout = 500ms;
        settings.keepAliveTimeout = 300ms;
        settings.bodyTimeout = 500ms;
        settings.writeTimeout = 500ms;
        settings.tunnelTimeout = 500ms;
        return settings;
    }

    static model::Backend backend() {
        model::Backend backend;
        backend.connectTimeout = 300ms;
        backend.responseTimeout = 500ms;
        backend.inactivityTimeout = 500ms;
        return backend;
    }

    static worker::WorkerPoolOptions twoWorkers() {
        worker::WorkerPoolOptions options;
        options.workers = 2;
        options.accessLog = http::AccessLogFormat::json;
        options.accessLogPath = "/dev/null";
        return options;
    }

    void actAll() {
        for (const RawListener* listener : {&first, &second}) {
            for (int fd = -1; (fd = listener->acceptNow()) >= 0;)
                endpoints.push_back(std::make_unique<ChaosEndpoint>(fd));
        }
        for (auto& client : clients)
            client->act(dice);
        for (auto& endpoint : endpoints)
            endpoint->act(dice, arrivals);
        std::erase_if(endpoints, [](const auto& endpoint) { return endpoint->done(); });
    }

    void changeSomething() {
        switch (dice.below(4)) {
            case 0:
                return proxy.publish();
            case 1:
                return proxy.setEndpoints({first.port()});
            case 2:
                proxy.openListener("extra");
                return proxy.closeListener("extra");
            default:
                return proxy.setEndpoints({first.port(), second.port()});
        }
    }

    void finishAll() {
        const bool finished = proxy.eventually([&] {
            actAll();
            bool all = true;
            for (auto& client : clients) {
                client->finish();
                all &= client->done();
            }
            return all;
        });
        EXPECT_TRUE(finished) << "a client waits for ever";
    }

    RawListener first;
    RawListener second;
    ProxyFixture proxy{settings(), twoWorkers()};
    Dice dice{static_cast<std::uint64_t>(GetParam())};
    Arrivals arrivals;
    std::vector<std::unique_ptr<ChaosClient>> clients;
    std::vector<std::unique_ptr<ChaosEndpoint>> endpoints;
};

TEST_P(HttpChaos, EveryPromiseIsKept) {
    proxy.serve({first.port(), second.port()}, backend());
    const std::size_t descriptors = openDescriptors();
    int nextId = 1;
    for (int i = 0; i < 150; ++i) {
        clients.push_back(std::make_unique<ChaosClient>(dice, proxy.port(), nextId));
        for (std::uint64_t steps = dice.below(20); steps > 0; --steps)
            actAll();
        if (dice.oneIn(10))
            changeSomething();
    }
    for (int i = 0; i < 300; ++i)
        actAll();
    finishAll();
    for (const auto& client : clients) {
        client->check();
        for (const ChaosRequest& request : client->requests()) {
            // One retry of the policy's, and one is free: where a pooled connection was closed.
            EXPECT_LE(arrivals[request.id], request.idempotent ? 3 : 1)
                << request.wire.substr(0, 80);
        }
    }
    clients.clear();
    endpoints.clear();
    EXPECT_TRUE(proxy.eventuallyQuiet());
    proxy.setEndpoints({});
    const session::Counters counters = proxy.counters();
    EXPECT_EQ(counters.idleConnections, 0u);
    EXPECT_EQ(counters.tunnels, 0u);
    EXPECT_TRUE(proxy.eventually([&] { return openDescriptors() == descriptors; }))
        << openDescriptors() << " instead of " << descriptors;
    for (const worker::BackendStats& stats : proxy.backends()) {
        for (const worker::EndpointStats& endpoint : stats.endpoints)
            EXPECT_EQ(endpoint.active, 0u);
    }
}

// EVERGATE_CHAOS_SEEDS=n: more of them.
int seeds() {
    const char* more = std::getenv("EVERGATE_CHAOS_SEEDS");
    return more != nullptr ? std::atoi(more) : 2;
}

INSTANTIATE_TEST_SUITE_P(Seeds, HttpChaos, testing::Range(1, 1 + seeds()));

}  // namespace
}  // namespace evergate::test
