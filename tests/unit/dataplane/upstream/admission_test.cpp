// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/admission.hpp"

#include <array>

#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream::test {
namespace {

class AdmissionTest : public UpstreamTest {
protected:
    void serve(model::Backend policy, std::vector<std::uint32_t> weights) {
        registry.setPolicy(0, std::make_shared<const model::Backend>(std::move(policy)));
        model::Endpoints endpoints;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            endpoints.endpoints.push_back(
                {"127.0.0.1", static_cast<std::uint16_t>(10 + i), weights[i]});
        }
        registry.setEndpoints(0, endpoints);
    }

    EndpointState* pickFor(std::uint64_t affinity, bool& waits) {
        Wish wish;
        wish.affinity = affinity;
        return choose(backend, wish, random, waits);
    }

    Registry registry{pool};
    BackendState& backend = registry.backend(0);
    Random random{1};
    bool busy = false;
};

model::Backend sticky() {
    model::Backend policy;
    policy.affinityCookie = "id";
    return policy;
}

TEST_F(AdmissionTest, OnlyLimitsAndCookiesAreSpecial) {
    serve({}, {1});
    EXPECT_FALSE(backend.special);
    EXPECT_EQ(backend.endpoints[0]->slots, nullptr);
    serve(sticky(), {1});
    EXPECT_TRUE(backend.special);
    EXPECT_EQ(backend.endpoints[0]->slots, nullptr);
    model::Backend limited;
    limited.maxConnections = 1;
    serve(limited, {1});
    EXPECT_TRUE(backend.special);
    EXPECT_NE(backend.endpoints[0]->slots, nullptr);
}

TEST_F(AdmissionTest, ClientsStayWithTheirEndpoint) {
    serve(sticky(), {1, 1, 0, 1});
    EXPECT_NE(pickFor(0, busy), nullptr);
    for (const EndpointPtr& endpoint : backend.endpoints) {
        EXPECT_NE(endpoint->affinity, 0u);
        for (int i = 0; i < 4; ++i)
            EXPECT_EQ(pickFor(endpoint->affinity, busy), endpoint.get());
    }
}

TEST_F(AdmissionTest, ClientsOfLostEndpointsGoAnywhere) {
    serve(sticky(), {1, 1});
    pickFor(0, busy);
    EndpointState& own = *backend.endpoints[0];
    own.usable = false;
    EXPECT_EQ(pickFor(own.affinity, busy), backend.endpoints[1].get());
    own.usable = true;
    EXPECT_EQ(pickFor(own.affinity, busy), &own);
    own.noteConnectFailure(wheel.nowTick());
    EXPECT_EQ(pickFor(own.affinity, busy), backend.endpoints[1].get());
    EXPECT_NE(pickFor(own.affinity + 1, busy), nullptr);
}

TEST_F(AdmissionTest, SaysWhenWaitingHelps) {
    model::Backend policy = sticky();
    policy.maxConnections = 1;
    serve(policy, {1, 1});
    EndpointState* const first = pickFor(0, busy);
    EXPECT_TRUE(takeSlot(backend, *first));
    EXPECT_FALSE(takeSlot(backend, *first));
    EXPECT_EQ(pickFor(first->affinity, busy), nullptr);
    EXPECT_TRUE(busy);
    EndpointState* const second = pickFor(0, busy);
    EXPECT_FALSE(busy);
    EXPECT_NE(second, first);
    EXPECT_TRUE(takeSlot(backend, *second));
    EXPECT_EQ(pickFor(0, busy), nullptr);
    EXPECT_TRUE(busy);
    registry.setEndpoints(0, {});
    EXPECT_EQ(pickFor(0, busy), nullptr);
    EXPECT_FALSE(busy);
}

TEST_F(AdmissionTest, FailingEndpointsAreNoReasonNotToWait) {
    model::Backend policy;
    policy.maxConnections = 1;
    serve(policy, {1, 1});
    EndpointState& healthy = *backend.endpoints[0];
    EndpointState& failing = *backend.endpoints[1];
    failing.noteConnectFailure(wheel.nowTick());
    EXPECT_EQ(pickFor(0, busy), &healthy);
    EXPECT_TRUE(takeSlot(backend, healthy));
    EXPECT_EQ(pickFor(0, busy), nullptr);
    EXPECT_TRUE(busy);
    healthy.noteConnectFailure(wheel.nowTick());
    EXPECT_EQ(pickFor(0, busy), &failing);  // none is any better
}

TEST_F(AdmissionTest, AnotherEndpointIsHealthyAndHasASlot) {
    model::Backend policy;
    policy.maxConnections = 1;
    serve(policy, {1, 1, 1});
    EndpointState& failing = *backend.endpoints[1];
    EndpointState& free = *backend.endpoints[2];
    failing.noteConnectFailure(wheel.nowTick());
    const std::array<const EndpointState*, 1> tried{backend.endpoints[0].get()};
    PickRequest request;
    request.tried = tried;
    request.nowTick = wheel.nowTick();
    EXPECT_EQ(takeOther(backend, request, random), &free);
    EXPECT_TRUE(free.full(policy.maxConnections));
    EXPECT_EQ(takeOther(backend, request, random), nullptr);
}

TEST_F(AdmissionTest, ASecondEndpointIsOfTheOtherFamilyWhereThereIsOne) {
    registry.setPolicy(0, std::make_shared<const model::Backend>());
    const model::Endpoints both{{{"127.0.0.1", 10, 1}, {"127.0.0.1", 11, 1}, {"::1", 12, 1}}};
    registry.setEndpoints(0, both);
    const auto secondOf = [this](std::size_t index) {
        const std::array<const EndpointState*, 1> tried{backend.endpoints[index].get()};
        PickRequest request;
        request.tried = tried;
        return takeSecond(backend, *tried[0], request, random);
    };
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(secondOf(0), backend.endpoints[2].get());
        EXPECT_NE(secondOf(2), backend.endpoints[2].get());
    }
    registry.setEndpoints(0, {{{"127.0.0.1", 10, 1}, {"127.0.0.1", 11, 1}}});
    EXPECT_EQ(secondOf(0), backend.endpoints[1].get());
}

TEST(Affinity, ValuesAreReadAsTheyAreWritten) {
    char text[kAffinityDigits];
    for (const std::uint64_t value : {1ull, 0x0123456789abcdefull, ~0ull}) {
        writeAffinity(value, text);
        EXPECT_EQ(parseAffinity({text, sizeof text}), value);
    }
    for (const char* odd : {"", "0", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF",
                            "0123456789abcdeg", "0000000000000000"})
        EXPECT_EQ(parseAffinity(odd), 0u) << odd;
}

}  // namespace
}  // namespace evergate::upstream::test
