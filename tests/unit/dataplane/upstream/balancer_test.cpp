// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/balancer.hpp"

#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream {
namespace {

using model::BalanceAlgorithm;

class BalancerTest : public test::UpstreamTest {
protected:
    void use(BalanceAlgorithm algorithm) {
        model::Backend policy;
        policy.balance = algorithm;
        registry.setPolicy(0, std::make_shared<const model::Backend>(policy));
    }

    // Endpoints 10.0.0.<i+1>:80 with these weights.
    void setWeights(const std::vector<std::uint32_t>& weights) {
        model::Endpoints endpoints;
        for (std::size_t i = 0; i < weights.size(); ++i)
            endpoints.endpoints.push_back(
                {"10.0." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1), 80,
                 weights[i]});
        registry.setEndpoints(0, endpoints);
    }

    EndpointState& endpoint(std::size_t index) { return *backend.endpoints[index]; }

    EndpointState* pickOne(PickRequest request = {}) { return pick(backend, request, random); }

    std::map<std::string, int> pickMany(int count, PickRequest request = {}) {
        std::map<std::string, int> result;
        for (int i = 0; i < count; ++i) {
            request.hash = static_cast<std::uint64_t>(i);
            ++result[pickOne(request)->text];
        }
        return result;
    }

    Registry registry{pool};
    BackendState& backend = registry.backend(0);
    Random random{42};
};

class AnyAlgorithm : public BalancerTest, public testing::WithParamInterface<BalanceAlgorithm> {
protected:
    AnyAlgorithm() { use(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Balancer, AnyAlgorithm,
                         testing::Values(BalanceAlgorithm::roundRobin,
                                         BalanceAlgorithm::leastRequest,
                                         BalanceAlgorithm::consistentHash));

TEST_P(AnyAlgorithm, FindsNothingWithoutEndpoints) {
    EXPECT_EQ(pickOne(), nullptr);
    setWeights({0, 0});
    EXPECT_EQ(pickOne(), nullptr);
    setWeights({});
    EXPECT_EQ(pickOne(), nullptr);
}

TEST_P(AnyAlgorithm, FindsTheOnlyOne) {
    setWeights({1});
    EXPECT_EQ(pickOne(), &endpoint(0));
}

TEST_P(AnyAlgorithm, NeverPicksWeightZero) {
    setWeights({1, 0, 1, 0, 2});
    for (const auto& [text, count] : pickMany(1'000))
        EXPECT_TRUE(text != "10.0.0.2:80" && text != "10.0.0.4:80") << text;
}

TEST_P(AnyAlgorithm, PicksTheOneWithWeightAmongMany) {
    std::vector<std::uint32_t> weights(300, 0);
    weights[217] = 1;
    setWeights(weights);
    for (std::uint64_t i = 0; i < 50; ++i)
        EXPECT_EQ(pickOne({.hash = i})->text, "10.0.1.18:80");
}

TEST_P(AnyAlgorithm, NeverPicksWhatWasTried) {
    setWeights({1, 1, 1});
    const std::array<const EndpointState*, 2> two{&endpoint(0), &endpoint(2)};
    for (std::uint64_t i = 0; i < 100; ++i)
        EXPECT_EQ(pickOne({.hash = i, .tried = two}), &endpoint(1));
    const std::array<const EndpointState*, 3> all{&endpoint(0), &endpoint(1), &endpoint(2)};
    EXPECT_EQ(pickOne({.tried = all}), nullptr);
}

TEST_P(AnyAlgorithm, SkipsFailingOnesWhileOthersExist) {
    setWeights({1, 1000, 1});
    endpoint(0).noteConnectFailure(100);
    endpoint(1).noteConnectFailure(100);
    for (std::uint64_t i = 0; i < 100; ++i)
        EXPECT_EQ(pickOne({.hash = i, .nowTick = 105}), &endpoint(2));
    std::set<const EndpointState*> later;
    for (std::uint64_t i = 0; i < 1'000; ++i)
        later.insert(pickOne({.hash = i, .nowTick = 100 + EndpointState::kBackOffTicks}));
    EXPECT_TRUE(later.count(&endpoint(1)));
}

TEST_P(AnyAlgorithm, PrefersAFailingOneToNone) {
    setWeights({1, 1});
    endpoint(0).noteConnectFailure(100);
    endpoint(1).noteConnectFailure(100);
    EXPECT_NE(pickOne({.nowTick = 101}), nullptr);
    const std::array<const EndpointState*, 1> tried{&endpoint(0)};
    EXPECT_EQ(pickOne({.tried = tried, .nowTick = 101}), &endpoint(1));
}

TEST_P(AnyAlgorithm, SpreadsEvenlyOverEqualWeights) {
    setWeights(std::vector<std::uint32_t>(10, 1));
    const auto counts = pickMany(10'000);
    ASSERT_EQ(counts.size(), 10u);
    for (const auto& [text, count] : counts)
        EXPECT_NEAR(count, 1'000, 350) << text;
}

TEST_P(AnyAlgorithm, FollowsWeights) {
    setWeights({1, 2, 5, 2});
    const auto counts = pickMany(20'000);
    EXPECT_NEAR(counts.at("10.0.0.1:80"), 2'000, 800);
    EXPECT_NEAR(counts.at("10.0.0.2:80"), 4'000, 1'200);
    EXPECT_NEAR(counts.at("10.0.0.3:80"), 10'000, 2'000);
    EXPECT_NEAR(counts.at("10.0.0.4:80"), 4'000, 1'200);
}

TEST_P(AnyAlgorithm, SeesEveryChangeAtOnce) {
    setWeights({1, 1});
    pickMany(10);
    setWeights({1});
    for (std::uint64_t i = 0; i < 10; ++i)
        EXPECT_EQ(pickOne({.hash = i}), &endpoint(0));
    setWeights({0, 1});
    for (std::uint64_t i = 0; i < 10; ++i)
        EXPECT_EQ(pickOne({.hash = i}), &endpoint(1));
}

TEST_F(BalancerTest, RoundRobinIsExactForEqualWeights) {
    setWeights({7, 7, 7, 7});
    const auto counts = pickMany(400);
    for (const auto& [text, count] : counts)
        EXPECT_EQ(count, 100) << text;
}

TEST_F(BalancerTest, RoundRobinIsExactOverOneCycleOfWeights) {
    setWeights({1, 3, 4});
    const auto counts = pickMany(8 * 50);
    EXPECT_EQ(counts.at("10.0.0.1:80"), 50);
    EXPECT_EQ(counts.at("10.0.0.2:80"), 150);
    EXPECT_EQ(counts.at("10.0.0.3:80"), 200);
}

TEST_F(BalancerTest, RoundRobinStartsElsewhereInEachWorker) {
    std::set<std::string> first;
    for (std::uint32_t worker = 0; worker < 40; ++worker) {
        model::Endpoints endpoints;
        for (int i = 1; i <= 8; ++i)
            endpoints.endpoints.push_back({"10.0.0." + std::to_string(i), 80, 1});
        registry.setEndpoints(worker, endpoints);
        Random seeded(worker);
        first.insert(pick(registry.backend(worker), {}, seeded)->text);
    }
    EXPECT_GE(first.size(), 4u);
}

// With one request between any two changes, restarting at the first would starve the others.
TEST_F(BalancerTest, RoundRobinDoesNotRestartAfterAChange) {
    std::map<std::string, int> counts;
    for (int i = 0; i < 4'000; ++i) {
        setWeights(i % 2 ? std::vector<std::uint32_t>{1, 1, 1, 1}
                         : std::vector<std::uint32_t>{1, 1, 1, 1, 1});
        ++counts[pickOne()->text];
    }
    for (int i = 1; i <= 4; ++i)
        EXPECT_GT(counts["10.0.0." + std::to_string(i) + ":80"], 300) << i;
}

TEST_F(BalancerTest, LeastRequestPrefersTheLessLoaded) {
    use(BalanceAlgorithm::leastRequest);
    setWeights({1, 1});
    endpoint(0).activeRequests = 5;
    endpoint(1).activeRequests = 2;
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(pickOne(), &endpoint(1));
}

TEST_F(BalancerTest, LeastRequestWeighsTheLoad) {
    use(BalanceAlgorithm::leastRequest);
    setWeights({1, 10});
    endpoint(0).activeRequests = 1;
    endpoint(1).activeRequests = 9;
    EXPECT_EQ(pickOne(), &endpoint(1));
    endpoint(1).activeRequests = 11;
    int light = 0;
    for (int i = 0; i < 100; ++i)
        light += pickOne() == &endpoint(0);
    EXPECT_EQ(light, 100);
}

TEST_F(BalancerTest, LeastRequestKeepsTheLoadFlat) {
    use(BalanceAlgorithm::leastRequest);
    setWeights(std::vector<std::uint32_t>(50, 1));
    for (int i = 0; i < 5'000; ++i)
        ++pickOne()->activeRequests;
    std::uint32_t most = 0;
    for (const EndpointPtr& each : backend.endpoints)
        most = std::max(most, each->activeRequests);
    EXPECT_LE(most, 106u);
}

TEST_F(BalancerTest, HashSendsAKeyToOneEndpoint) {
    use(BalanceAlgorithm::consistentHash);
    setWeights(std::vector<std::uint32_t>(20, 1));
    for (std::uint64_t key = 0; key < 100; ++key) {
        EndpointState* const first = pickOne({.hash = key});
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(pickOne({.hash = key}), first);
    }
}

TEST_F(BalancerTest, HashMovesOnlyTheKeysOfAnEndpointThatLeft) {
    use(BalanceAlgorithm::consistentHash);
    std::vector<std::uint32_t> weights(20, 1);
    setWeights(weights);
    std::vector<std::string> before;
    for (std::uint64_t key = 0; key < 5'000; ++key)
        before.push_back(pickOne({.hash = key})->text);
    weights.pop_back();
    setWeights(weights);
    int moved = 0;
    for (std::uint64_t key = 0; key < 5'000; ++key) {
        const std::string& now = pickOne({.hash = key})->text;
        if (now != before[key]) {
            EXPECT_EQ(before[key], "10.0.0.20:80");
            ++moved;
        }
    }
    EXPECT_LT(moved, 500);
    EXPECT_GT(moved, 100);
}

TEST_F(BalancerTest, HashComesBackToAnEndpointThatRecovered) {
    use(BalanceAlgorithm::consistentHash);
    setWeights(std::vector<std::uint32_t>(5, 1));
    EndpointState* const home = pickOne({.hash = 77});
    home->noteConnectFailure(100);
    EndpointState* const substitute = pickOne({.hash = 77, .nowTick = 101});
    EXPECT_NE(substitute, home);
    EXPECT_EQ(pickOne({.hash = 77, .nowTick = 102}), substitute);
    home->noteConnected();
    EXPECT_EQ(pickOne({.hash = 77, .nowTick = 103}), home);
}

TEST_F(BalancerTest, HashAgreesBetweenWorkers) {
    use(BalanceAlgorithm::consistentHash);
    setWeights(std::vector<std::uint32_t>(9, 1));
    Registry other(pool);
    model::Endpoints endpoints;
    for (const EndpointPtr& each : backend.endpoints)
        endpoints.endpoints.push_back({each->text.substr(0, each->text.size() - 3), 80, 1});
    other.setPolicy(8, backend.policy);
    other.setEndpoints(8, endpoints);
    Random differently(7);
    for (std::uint64_t key = 0; key < 200; ++key)
        EXPECT_EQ(pick(other.backend(8), {.hash = key}, differently)->text,
                  pickOne({.hash = key})->text);
}

TEST_F(BalancerTest, RingStaysSmall) {
    use(BalanceAlgorithm::consistentHash);
    setWeights(std::vector<std::uint32_t>(10, 3));
    pickOne();
    EXPECT_EQ(backend.balancer.ring.size(), 1'280u);
    setWeights(std::vector<std::uint32_t>(20'000, 1));
    pickOne();
    EXPECT_LE(backend.balancer.ring.size(), 160'000u);
    use(BalanceAlgorithm::roundRobin);
    pickOne();
    EXPECT_TRUE(backend.balancer.ring.empty());
}

TEST(Random, BelowStaysBelowAndCoversAll) {
    Random random(3);
    std::array<int, 7> counts{};
    for (int i = 0; i < 7'000; ++i)
        ++counts.at(random.below(7));
    for (const int count : counts)
        EXPECT_NEAR(count, 1'000, 200);
}

TEST(StableHash, NeverChanges) {
    // Other replicas may run another build: the mapping is part of the contract.
    EXPECT_EQ(stableHash(""), stableHash(std::string_view()));
    EXPECT_NE(stableHash("a"), stableHash("b"));
    EXPECT_EQ(stableHash("10.0.0.1:80"), 0xdbbc907f21531a73u);
}

}  // namespace
}  // namespace evergate::upstream
