// SPDX-License-Identifier: Apache-2.0
// Which endpoints count as usable, and who starts slowly.
#include <string>
#include <vector>

#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream {
namespace {

using std::chrono::seconds;

class RegistryHealth : public test::UpstreamTest {
protected:
    void apply() { registry.setPolicy(0, std::make_shared<const model::Backend>(policy)); }

    void use(int count) {
        model::Endpoints endpoints;
        for (int i = 0; i < count; ++i)
            endpoints.endpoints.push_back({address(i), 80, 1});
        registry.setEndpoints(0, endpoints);
    }

    static std::string address(int i) { return "10.0.0." + std::to_string(i + 1); }

    EndpointState& endpoint(std::size_t index) { return *backend.endpoints[index]; }

    std::vector<bool> usable() {
        std::vector<bool> result;
        for (const EndpointPtr& each : backend.endpoints)
            result.push_back(each->usable);
        return result;
    }

    using Bools = std::vector<bool>;

    model::Backend policy;
    SlotTable table{2, nullptr};
    Registry registry{pool, table, 0};
    BackendState& backend = registry.backend(0);
};

TEST_F(RegistryHealth, PanicBelievesNobody) {
    policy.panicPercent = 60;
    apply();
    use(4);
    registry.setHealth(0, address(0), 80, false);
    EXPECT_EQ(usable(), (Bools{false, true, true, true}));
    registry.setHealth(0, address(1), 80, false);  // 50 % are left
    EXPECT_EQ(usable(), (Bools{true, true, true, true}));
    EXPECT_TRUE(backend.panic);
    registry.setHealth(0, address(0), 80, true);
    EXPECT_EQ(usable(), (Bools{true, false, true, true}));
    EXPECT_FALSE(backend.panic);
    policy.panicPercent = 80;
    apply();
    EXPECT_TRUE(backend.panic);
    use(5);  // four of five: 80 %
    EXPECT_FALSE(backend.panic);
}

TEST_F(RegistryHealth, EndpointsWithoutWeightDoNotCount) {
    policy.panicPercent = 50;
    apply();
    model::Endpoints endpoints;
    endpoints.endpoints = {{address(0), 80, 1}, {address(1), 80, 0}, {address(2), 80, 3}};
    registry.setEndpoints(0, endpoints);
    EXPECT_EQ(backend.usableWeight, 4u);
    registry.setHealth(0, address(2), 80, false);
    EXPECT_FALSE(backend.panic);
    EXPECT_EQ(backend.usableWeight, 1u);
    registry.setHealth(0, address(0), 80, false);
    EXPECT_TRUE(backend.panic);
    EXPECT_EQ(backend.usableWeight, 4u);
}

TEST_F(RegistryHealth, EjectedOnesAreOutUntilTheyAreBack) {
    policy.outlier.consecutiveFailures = 3;
    apply();
    use(3);
    registry.setEjected(0, address(1), 80, true);
    EXPECT_EQ(usable(), (Bools{true, false, true}));
    registry.setHealth(0, address(1), 80, false);
    registry.setEjected(0, address(1), 80, false);
    EXPECT_EQ(usable(), (Bools{true, false, true}));  // its checks still say so
    registry.setHealth(0, address(1), 80, true);
    EXPECT_EQ(usable(), (Bools{true, true, true}));
    registry.setEjected(0, "10.9.9.9", 80, true);
    registry.setEjected(7, address(1), 80, true);
}

TEST_F(RegistryHealth, TheEndOfPassiveChecksEndsEjections) {
    policy.outlier.failurePercent = 50;
    apply();
    use(2);
    registry.setEjected(0, address(0), 80, true);
    policy.outlier = {};
    apply();
    EXPECT_EQ(usable(), (Bools{true, true}));
    EXPECT_FALSE(endpoint(0).watch);
    registry.setEjected(0, address(0), 80, true);  // was on its way
    EXPECT_EQ(usable(), (Bools{true, true}));
}

TEST_F(RegistryHealth, WorkersShareOneTallyPerEndpoint) {
    policy.outlier.consecutiveFailures = 3;
    apply();
    use(2);
    Registry other(pool, table, 1);
    other.setPolicy(0, backend.policy);
    model::Endpoints endpoints;
    endpoints.endpoints = {{address(0), 80, 1}, {address(1), 80, 1}};
    other.setEndpoints(0, endpoints);
    EXPECT_EQ(other.backend(0).endpoints[0]->watch->tally, endpoint(0).watch->tally);
    EXPECT_NE(endpoint(0).watch->tally, endpoint(1).watch->tally);
    endpoint(0).noteFailure();
    other.backend(0).endpoints[0]->noteConnectFailure(0);
    other.backend(0).endpoints[0]->noteServed(503);
    endpoint(0).noteServed(404);
    EXPECT_EQ(endpoint(0).watch->tally->read().requests, 4u);
    EXPECT_EQ(endpoint(0).watch->tally->read().failures, 3u);
    const EndpointPtr gone = backend.endpoints[0];
    registry.setEndpoints(0, {});
    EXPECT_FALSE(gone->watch);
    gone->noteFailure();
}

TEST_F(RegistryHealth, WithoutPassiveChecksNobodyCounts) {
    use(1);
    EXPECT_FALSE(endpoint(0).watch);
    endpoint(0).noteServed(500);
    endpoint(0).noteFailure();
    EXPECT_EQ(endpoint(0).failures, 1u);
}

TEST_F(RegistryHealth, SlowStartIsForThoseThatComeLater) {
    policy.slowStart = seconds(10);
    apply();
    use(2);
    EXPECT_EQ(endpoint(0).risingTicks, 0u);  // the first list
    use(3);
    EXPECT_EQ(endpoint(0).risingTicks, 0u);
    EXPECT_EQ(endpoint(2).risingTicks, 100u);
    EXPECT_EQ(endpoint(2).risingSince, wheel.nowTick());
    use(0);
    use(2);  // from nothing: nobody could take their part
    EXPECT_EQ(endpoint(0).risingTicks, 0u);
}

TEST_F(RegistryHealth, SlowStartIsForThoseThatComeBack) {
    policy.slowStart = seconds(10);
    policy.outlier.consecutiveFailures = 3;
    apply();
    use(2);
    registry.setHealth(0, address(0), 80, false);
    EXPECT_EQ(endpoint(0).risingTicks, 0u);
    registry.setHealth(0, address(0), 80, true);
    EXPECT_EQ(endpoint(0).risingTicks, 100u);
    registry.setEjected(0, address(1), 80, true);
    registry.setEjected(0, address(1), 80, false);
    EXPECT_EQ(endpoint(1).risingTicks, 100u);
}

TEST_F(RegistryHealth, KnowsWhoNeedsTimes) {
    EXPECT_FALSE(backend.timed);
    policy.balance = model::BalanceAlgorithm::ewma;
    apply();
    EXPECT_TRUE(backend.timed);
    policy.balance = model::BalanceAlgorithm::roundRobin;
    policy.outlier.latencyPercent = 300;
    apply();
    EXPECT_TRUE(backend.timed);
    registry.remove(0);
    EXPECT_FALSE(backend.timed);
}

}  // namespace
}  // namespace evergate::upstream
