// SPDX-License-Identifier: Apache-2.0
// Large configurations go through in parts, and a small change of a large configuration stays
// small. The figures it prints are for people; only generous bounds are asserted.
#include <gtest/gtest.h>
#include <time.h>

#include <cstdio>

#include "common/rpc/codec.hpp"
#include "tests/integration/rpc_rig.hpp"

namespace evergate::test {
namespace {

double cpuMilliseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

model::Endpoints tenEndpoints(int seed) {
    model::Endpoints endpoints;
    for (int i = 0; i < 10; ++i) {
        endpoints.endpoints.push_back({"10." + std::to_string(seed / 256 % 256) + "." +
                                           std::to_string(seed % 256) + "." + std::to_string(i),
                                       8080, 1});
    }
    return endpoints;
}

model::Config large(int count) {
    model::Config config = Scenario(1).config;
    for (int i = 0; i < count; ++i) {
        const std::string name = "shop-" + std::to_string(i) + "/service-with-a-name/80";
        config.put({model::Kind::backend, name}, model::Value{model::Backend{}});
        config.put({model::Kind::endpoints, name}, model::Value{tenEndpoints(i)});
        model::Route route;
        route.listeners = {"http"};
        route.host = "shop-" + std::to_string(i) + ".example.com";
        route.backend = name;
        route.origin = "Ingress shop-" + std::to_string(i) + "/ingress-with-a-name";
        config.put({model::Kind::route, name}, model::Value{route});
    }
    return config;
}

TEST(RpcScale, CarriesFiveThousandRoutesAndOneSmallChange) {
    RpcRig rig(1);
    model::Config config = large(5000);
    const double start = cpuMilliseconds();
    rig.publish(config);
    rig.startDataplane(rig.rpcPath());
    ASSERT_TRUE(rig.runUntil([&] { return rig.link->status().connected && rig.converge(); },
                             std::chrono::seconds(60)));
    const double whole = cpuMilliseconds() - start;
    EXPECT_EQ(rig.link->receiver().config().entries().size(), config.entries().size());

    const model::Key key{model::Kind::endpoints, "shop-7/service-with-a-name/80"};
    constexpr int kChanges = 200;
    rig.sink.longestMs = 0;
    const double before = cpuMilliseconds();
    for (int i = 1; i <= kChanges; ++i) {
        config.put(key, model::Value{tenEndpoints(i)});
        const int acks = rig.observer.acks[1];
        rig.publishEndpoints(config, key);
        ASSERT_TRUE(rig.runUntil([&] { return rig.observer.acks[1] > acks; }));
    }
    const double each = (cpuMilliseconds() - before) / kChanges;
    EXPECT_TRUE(rig.sameRoots());
    std::printf("first sync %.0f ms, one endpoint change %.3f ms of CPU (both programs)\n", whole,
                each);
    EXPECT_LT(each, 20.0);
}

}  // namespace
}  // namespace evergate::test
