// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/registry.hpp"

#include <algorithm>
#include <string>

#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream {
namespace {

model::Endpoints list(std::initializer_list<model::Endpoint> endpoints) {
    return {.endpoints = endpoints};
}

class RegistryTest : public test::UpstreamTest {
protected:
    std::string texts(std::uint32_t id) {
        std::string result;
        for (const EndpointPtr& endpoint : registry.backend(id).endpoints)
            result.append(result.empty() ? "" : " ").append(endpoint->text);
        return result;
    }

    Registry registry{pool};
};

TEST_F(RegistryTest, CreatesBackendsOnDemand) {
    EXPECT_EQ(registry.find(7), nullptr);
    BackendState& state = registry.backend(7);
    EXPECT_EQ(registry.find(7), &state);
    EXPECT_EQ(registry.find(6), nullptr);
    EXPECT_EQ(*state.policy, model::Backend{});
    registry.backend(5'000);
    EXPECT_EQ(&registry.backend(7), &state);
}

TEST_F(RegistryTest, TakesEndpoints) {
    registry.setEndpoints(0, list({{"10.0.0.1", 80, 3}, {"fd00::1", 8080, 1}}));
    EXPECT_EQ(texts(0), "10.0.0.1:80 [fd00::1]:8080");
    EXPECT_EQ(registry.backend(0).endpoints[0]->weight, 3u);
    EXPECT_EQ(registry.backend(0).endpoints[1]->address.textWithPort(), "[fd00::1]:8080");
}

TEST_F(RegistryTest, KeepsTheStateOfWhatStays) {
    registry.setEndpoints(0, list({{"10.0.0.1", 80, 1}, {"10.0.0.2", 80, 1}, {"10.0.0.4", 80, 1}}));
    EndpointState* const kept = registry.backend(0).endpoints[1].get();
    kept->requests = 17;
    registry.setEndpoints(0, list({{"10.0.0.2", 80, 9}, {"10.0.0.3", 80, 1}}));
    EXPECT_EQ(texts(0), "10.0.0.2:80 10.0.0.3:80");
    EXPECT_EQ(registry.backend(0).endpoints[0].get(), kept);
    EXPECT_EQ(kept->requests, 17u);
    EXPECT_EQ(kept->weight, 9u);
    EXPECT_TRUE(registry.backend(0).retired.empty());  // nobody held them
}

TEST_F(RegistryTest, OrdersByTextAsTheModelDoes) {
    registry.setEndpoints(0,
                          list({{"10.0.0.10", 80, 1}, {"10.0.0.2", 80, 1}, {"10.0.0.2", 90, 1}}));
    const EndpointPtr kept = registry.backend(0).endpoints[1];
    registry.setEndpoints(0, list({{"10.0.0.1", 80, 1},
                                   {"10.0.0.10", 80, 1},
                                   {"10.0.0.2", 80, 1},
                                   {"10.0.0.2", 443, 1}}));
    EXPECT_EQ(registry.backend(0).endpoints[2], kept);
    EXPECT_FALSE(kept->retired);
}

TEST_F(RegistryTest, SurvivesUnsortedAndRepeatedEndpoints) {
    registry.setEndpoints(0, list({{"10.0.0.3", 80, 1}, {"10.0.0.1", 80, 1}, {"10.0.0.3", 80, 1}}));
    EXPECT_EQ(texts(0), "10.0.0.1:80 10.0.0.3:80");
    const EndpointPtr kept = registry.backend(0).endpoints[1];
    registry.setEndpoints(0, list({{"10.0.0.3", 80, 1}, {"10.0.0.2", 80, 1}}));
    EXPECT_EQ(registry.backend(0).endpoints[1], kept);
}

TEST_F(RegistryTest, LeavesOutWhatIsNoAddress) {
    registry.setEndpoints(0, list({{"", 80, 1}, {"10.0.0.1", 80, 1}, {"example.com", 80, 1}}));
    EXPECT_EQ(texts(0), "10.0.0.1:80");
}

TEST_F(RegistryTest, RemovedEndpointLosesItsIdleConnectionsAtOnce) {
    registry.setEndpoints(0, list({{"127.0.0.1", listenerPort(), 1}}));
    pool.putIdle(connected(*registry.backend(0).endpoints[0]));
    EXPECT_EQ(pool.idle(), 1u);
    registry.setEndpoints(0, {});
    EXPECT_EQ(pool.idle(), 0u);
    context.poll();
    EXPECT_TRUE(registry.backend(0).retired.empty());
}

TEST_F(RegistryTest, UnchangedEndpointKeepsItsIdleConnections) {
    registry.setEndpoints(0, list({{"127.0.0.1", listenerPort(), 1}}));
    pool.putIdle(connected(*registry.backend(0).endpoints[0]));
    registry.setEndpoints(0, list({{"127.0.0.1", listenerPort(), 5}, {"127.0.0.2", 80, 1}}));
    EXPECT_EQ(pool.idle(), 1u);
}

TEST_F(RegistryTest, RetiredEndpointLivesUntilItsLastConnectionIsGone) {
    registry.setEndpoints(0, list({{"127.0.0.1", listenerPort(), 1}}));
    auto connection = connected(*registry.backend(0).endpoints[0]);
    registry.setEndpoints(0, {});
    EXPECT_TRUE(connection->endpoint().retired);
    EXPECT_EQ(&registry.backend(0).retired.front(), &connection->endpoint());
    pool.putIdle(std::move(connection));
    EXPECT_EQ(pool.open(), 0u);
    context.poll();
    EXPECT_TRUE(registry.backend(0).retired.empty());
}

TEST_F(RegistryTest, EndpointThatComesBackStartsAfresh) {
    registry.setEndpoints(0, list({{"127.0.0.1", listenerPort(), 1}}));
    auto connection = connected(*registry.backend(0).endpoints[0]);
    registry.setEndpoints(0, {});
    registry.setEndpoints(0, list({{"127.0.0.1", listenerPort(), 1}}));
    EXPECT_NE(registry.backend(0).endpoints[0].get(), &connection->endpoint());
    EXPECT_FALSE(registry.backend(0).endpoints[0]->retired);
    pool.discard(std::move(connection));
}

TEST_F(RegistryTest, RemoveForgetsEverythingButTheCounters) {
    BackendState& state = registry.backend(3);
    model::Backend policy;
    policy.balance = model::BalanceAlgorithm::leastRequest;
    registry.setPolicy(3, std::make_shared<const model::Backend>(policy));
    registry.setEndpoints(3, list({{"10.0.0.1", 80, 1}}));
    state.counters.requests = 5;
    registry.remove(3);
    EXPECT_EQ(registry.find(3), &state);
    EXPECT_TRUE(state.endpoints.empty());
    EXPECT_EQ(state.counters.requests, 5u);
    EXPECT_EQ(*state.policy, model::Backend{});
    registry.remove(99);
    registry.recycle(3);
    EXPECT_EQ(state.counters.requests, 0u);
    registry.recycle(99);
}

TEST_F(RegistryTest, SumsOverEndpointsDoNotShrinkWithThem) {
    BackendState& state = registry.backend(2);
    registry.setEndpoints(2, list({{"10.0.0.1", 80, 1}, {"10.0.0.2", 80, 1}}));
    state.endpoints[0]->failures = 3;
    state.endpoints[0]->connects = 7;
    state.endpoints[1]->connectFailures = 2;
    registry.setEndpoints(2, list({{"10.0.0.2", 80, 1}}));
    EXPECT_EQ(state.counters.departed.failures, 3u);
    EXPECT_EQ(state.counters.departed.connects, 7u);
    EXPECT_EQ(state.counters.departed.connectFailures, 0u);
    registry.setEndpoints(2, {});
    EXPECT_EQ(state.counters.departed.connectFailures, 2u);
}

TEST_F(RegistryTest, VisitsEveryBackendSeen) {
    registry.backend(1);
    registry.backend(4);
    std::vector<std::uint32_t> seen;
    registry.forEach([&](std::uint32_t id, const BackendState&) { seen.push_back(id); });
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 4}));
}

// 5,000 backends of 10 endpoints must stay below 25 MB per worker.
TEST(RegistryMemory, StaysLean) {
    constexpr std::size_t kAllocatorOverhead = 16;
    constexpr std::size_t kLongText = 32;
    constexpr std::size_t kPerEndpoint =
        sizeof(EndpointState) + kLongText + 2 * kAllocatorOverhead + sizeof(EndpointPtr);
    EXPECT_LT(5'000 * (sizeof(BackendState) + 2 * kAllocatorOverhead) + 50'000 * kPerEndpoint,
              25'000'000u);
}

TEST_F(RegistryTest, HealthBelongsToTheEndpoint) {
    registry.setEndpoints(0, list({{"10.0.0.1", 80, 1}, {"fd00::1", 80, 1}}));
    registry.setHealth(0, "fd00::1", 80, false);
    registry.setHealth(0, "10.0.0.9", 80, false);  // not there
    registry.setHealth(9, "10.0.0.1", 80, false);  // no such backend
    EXPECT_TRUE(registry.backend(0).endpoints[0]->up);
    EXPECT_FALSE(registry.backend(0).endpoints[1]->up);
    registry.setEndpoints(0, list({{"10.0.0.2", 80, 1}, {"fd00::1", 80, 1}}));
    EXPECT_TRUE(registry.backend(0).endpoints[0]->up);
    EXPECT_FALSE(registry.backend(0).endpoints[1]->up);  // it stayed
    registry.setHealth(0, "fd00::1", 80, true);
    EXPECT_TRUE(registry.backend(0).endpoints[1]->up);
}

}  // namespace
}  // namespace evergate::upstream
