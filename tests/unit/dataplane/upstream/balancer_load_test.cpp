// SPDX-License-Identifier: Apache-2.0
// Shares: of endpoints that are out, new, slow or full.
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "dataplane/upstream/balancer.hpp"
#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream {
namespace {

using model::BalanceAlgorithm;

class BalancerLoad : public test::UpstreamTest {
protected:
    void use(BalanceAlgorithm algorithm) {
        policy.balance = algorithm;
        apply();
    }

    void apply() { registry.setPolicy(0, std::make_shared<const model::Backend>(policy)); }

    void setWeights(const std::vector<std::uint32_t>& weights) {
        model::Endpoints endpoints;
        for (std::size_t i = 0; i < weights.size(); ++i)
            endpoints.endpoints.push_back({address(i), 80, weights[i]});
        registry.setEndpoints(0, endpoints);
    }

    static std::string address(std::size_t i) { return "10.0.0." + std::to_string(10 + i); }

    EndpointState& endpoint(std::size_t index) { return *backend.endpoints[index]; }

    // How often each was picked; nothing stays under way.
    std::vector<int> shares(int picks, const PickRequest& request = {}) {
        std::vector<int> counts(backend.endpoints.size());
        for (int i = 0; i < picks; ++i) {
            const EndpointState* const picked = pick(backend, request, random);
            for (std::size_t at = 0; at < counts.size(); ++at)
                counts[at] += picked == &endpoint(at);
        }
        return counts;
    }

    // Picks and keeps the request under way.
    EndpointState& send(const PickRequest& request = {}) {
        EndpointState& picked = *pick(backend, request, random);
        beginUse(backend, picked);
        return picked;
    }

    static double chiSquare(const std::vector<int>& counts, double expected) {
        double sum = 0;
        for (const int count : counts)
            sum += (count - expected) * (count - expected) / expected;
        return sum;
    }

    model::Backend policy;
    Registry registry{pool};
    BackendState& backend = registry.backend(0);
    Random random{7};
};

// 99.9 % of fair draws stay below 27.9 with nine degrees of freedom.
constexpr double kFair10 = 27.9;

TEST_F(BalancerLoad, PowerOfTwoChoicesIsFair) {
    for (const auto algorithm : {BalanceAlgorithm::leastRequest, BalanceAlgorithm::ewma}) {
        use(algorithm);
        setWeights(std::vector<std::uint32_t>(10, 1));
        EXPECT_LT(chiSquare(shares(20'000), 2'000), kFair10);
    }
}

TEST_F(BalancerLoad, WorkersTogetherAreFair) {
    setWeights(std::vector<std::uint32_t>(10, 1));
    std::vector<int> counts(10);
    for (std::uint64_t worker = 0; worker < 1'000; ++worker) {
        // Each begins somewhere and serves a few requests only.
        backend.balancer = {};
        random = Random(worker * 977);
        const std::vector<int> some = shares(3);
        for (std::size_t i = 0; i < counts.size(); ++i)
            counts[i] += some[i];
    }
    EXPECT_LT(chiSquare(counts, 300), kFair10);
}

TEST_F(BalancerLoad, NoNeighbourGetsTheShareOfOneThatIsOut) {
    setWeights(std::vector<std::uint32_t>(10, 1));
    registry.setHealth(0, address(3), 80, false);
    const std::vector<int> counts = shares(9'000);
    EXPECT_EQ(counts[3], 0);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (i != 3) {
            EXPECT_NEAR(counts[i], 1'000, 60) << i;
        }
    }
}

TEST_F(BalancerLoad, SubstitutesFollowWeights) {
    setWeights({1, 4, 4, 7});
    registry.setHealth(0, address(2), 80, false);
    const std::vector<int> counts = shares(12'000);
    EXPECT_NEAR(counts[0], 1'000, 200);
    EXPECT_NEAR(counts[1], 4'000, 300);
    EXPECT_NEAR(counts[3], 7'000, 300);
}

TEST_F(BalancerLoad, SlowStartRampsEvenly) {
    setWeights({1, 1});
    endpoint(1).risingSince = 1'000;
    endpoint(1).risingTicks = 100;
    EXPECT_EQ(endpoint(1).share(1'000), 100u);
    EXPECT_EQ(endpoint(1).share(1'050), 550u);
    EXPECT_EQ(endpoint(1).share(1'100), EndpointState::kFullShare);
    const auto share = [&](std::uint32_t tick) {
        return shares(10'000, {.nowTick = tick})[1] / 10'000.0;
    };
    EXPECT_NEAR(share(1'000), 0.1 / 1.1, 0.02);
    EXPECT_NEAR(share(1'050), 0.55 / 1.55, 0.02);
    EXPECT_NEAR(share(1'100), 0.5, 0.001);
}

TEST_F(BalancerLoad, SlowStartHoldsWhereTheIdleOneIsPreferred) {
    for (const auto algorithm : {BalanceAlgorithm::leastRequest, BalanceAlgorithm::ewma}) {
        use(algorithm);
        setWeights({1, 1});
        endpoint(0).activeRequests = 20;
        endpoint(1).risingSince = 0;
        endpoint(1).risingTicks = 1'000'000;
        EXPECT_NEAR(shares(10'000)[1], 1'000, 200);
    }
}

TEST_F(BalancerLoad, SlowStartIsNoReasonToTurnAnybodyAway) {
    setWeights({1, 1});
    for (const auto algorithm : {BalanceAlgorithm::roundRobin, BalanceAlgorithm::leastRequest}) {
        use(algorithm);
        for (std::size_t i = 0; i < 2; ++i)
            endpoint(i).risingTicks = 1'000'000;
        const std::vector<int> counts = shares(2'000);
        EXPECT_EQ(counts[0] + counts[1], 2'000);
        EXPECT_NEAR(counts[0], 1'000, 150);
    }
}

TEST_F(BalancerLoad, EwmaPrefersTheFaster) {
    use(BalanceAlgorithm::ewma);
    setWeights({1, 1});
    endpoint(0).noteLatency(100'000, 1'000);
    endpoint(1).noteLatency(10'000, 1'000);
    for (int i = 0; i < 110; ++i)
        send({.nowMicros = 2'000});
    EXPECT_NEAR(endpoint(0).activeRequests, 10, 1);
    EXPECT_NEAR(endpoint(1).activeRequests, 100, 1);
}

TEST_F(BalancerLoad, EwmaDoesNotFloodANewcomer) {
    use(BalanceAlgorithm::ewma);
    setWeights({1, 1, 1});
    endpoint(0).noteLatency(100'000, 1'000);
    endpoint(1).noteLatency(100'000, 1'000);
    for (int i = 0; i < 300; ++i)
        send({.nowMicros = 2'000});
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_NEAR(endpoint(i).activeRequests, 100, 5) << i;
}

TEST_F(BalancerLoad, EwmaGivesTheSlowOneAnotherChance) {
    use(BalanceAlgorithm::ewma);
    setWeights({1, 1});
    endpoint(0).noteLatency(60'000'000, 1'000);
    endpoint(1).noteLatency(1'000, 1'000);
    EXPECT_EQ(shares(1'000, {.nowMicros = 2'000})[0], 0);
    endpoint(1).noteLatency(1'000, 1'000 + PeakEwma::kDecayMicros);
    EXPECT_NEAR(shares(1'000, {.nowMicros = 1'000 + PeakEwma::kDecayMicros})[0], 500, 100);
}

TEST_F(BalancerLoad, HashStaysWithinItsBound) {
    use(BalanceAlgorithm::consistentHash);
    setWeights(std::vector<std::uint32_t>(10, 1));
    EndpointState& home = send({.hash = 42});
    for (int i = 1; i < 50; ++i)
        EXPECT_EQ(&send({.hash = 42}), &home);  // without a bound
    policy.hashLoadPercent = 125;
    apply();
    for (int i = 50; i < 400; ++i) {
        const EndpointState& picked = send({.hash = 42});
        // ceil(1.25 * (i + 1) / 10), but for what home had before.
        if (&picked != &home) {
            EXPECT_LE(picked.activeRequests,
                      static_cast<std::uint32_t>((i + 1) * 125 + 999) / 1'000);
        }
    }
    EXPECT_LE(home.activeRequests, 50u);
}

TEST_F(BalancerLoad, HashBoundKeepsKeysAtHomeWhileThereIsRoom) {
    policy.hashLoadPercent = 150;
    use(BalanceAlgorithm::consistentHash);
    setWeights(std::vector<std::uint32_t>(5, 1));
    for (std::uint64_t key = 0; key < 100; ++key) {
        const EndpointState* const home = pick(backend, {.hash = key}, random);
        EXPECT_EQ(pick(backend, {.hash = key}, random), home);
    }
}

TEST_F(BalancerLoad, HashBoundIsSharedByThoseThatAreThere) {
    policy.hashLoadPercent = 101;
    use(BalanceAlgorithm::consistentHash);
    setWeights({1, 1, 2});
    registry.setHealth(0, address(1), 80, false);
    for (int i = 0; i < 300; ++i)
        send({.hash = 5});
    EXPECT_EQ(endpoint(1).activeRequests, 0u);
    EXPECT_NEAR(endpoint(0).activeRequests, 100, 3);
    EXPECT_NEAR(endpoint(2).activeRequests, 200, 3);
}

TEST_F(BalancerLoad, HealthyOnlyMeansIt) {
    for (const auto algorithm : {BalanceAlgorithm::roundRobin, BalanceAlgorithm::leastRequest,
                                 BalanceAlgorithm::consistentHash}) {
        use(algorithm);
        setWeights({1, 1});
        registry.setHealth(0, address(0), 80, false);
        registry.setHealth(0, address(1), 80, false);
        EXPECT_NE(pick(backend, {}, random), nullptr);
        EXPECT_EQ(pick(backend, {.healthyOnly = true}, random), nullptr);
        registry.setHealth(0, address(1), 80, true);
        EXPECT_EQ(pick(backend, {.healthyOnly = true}, random), &endpoint(1));
        registry.setHealth(0, address(0), 80, true);
    }
}

TEST_F(BalancerLoad, FindsTheOtherFamily) {
    model::Endpoints endpoints;
    endpoints.endpoints = {{"10.0.0.1", 80, 1}, {"10.0.0.2", 80, 1}, {"fd00::1", 80, 1}};
    registry.setEndpoints(0, endpoints);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(pick(backend, {.family = AF_INET6}, random)->text, "[fd00::1]:80");
        EXPECT_NE(pick(backend, {.family = AF_INET}, random)->text, "[fd00::1]:80");
    }
    endpoints.endpoints.pop_back();
    registry.setEndpoints(0, endpoints);
    EXPECT_EQ(pick(backend, {.family = AF_INET6}, random), nullptr);
}

}  // namespace
}  // namespace evergate::upstream
