// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/route_rank.hpp"

#include <gtest/gtest.h>

#include <random>

namespace evergate::controller::marathon {
namespace {

RankedRoute route(const std::string& path, std::int64_t weight, const std::string& app) {
    RankedRoute made;
    made.host = "x.test";
    made.path = path;
    made.weight = weight;
    made.appId = app;
    return made;
}

// What a proxy does that asks one rule after the other.
std::string firstRule(const std::vector<RankedRoute>& ranked, const std::string& path) {
    for (const auto& each : ranked) {
        if (path.starts_with(each.path)) {
            return each.appId;
        }
    }
    return "";
}

// What our matcher does, with the routes left in force.
std::string longestPrefix(const std::vector<RankedRoute>& ranked, const std::string& path) {
    const RankedRoute* best = nullptr;
    for (const auto& each : ranked) {
        if (!each.hiddenBy && path.starts_with(each.path) &&
            (best == nullptr || each.path.size() > best->path.size())) {
            best = &each;
        }
    }
    return best == nullptr ? "" : best->appId;
}

TEST(RouteRank, PutsWeightBeforeAppBeforePort) {
    std::vector<RankedRoute> routes{route("/", 0, "/b"), route("/", 0, "/a"), route("/c", 1, "/c")};
    rankRoutes(routes);
    EXPECT_EQ(routes[0].appId, "/c");
    EXPECT_EQ(routes[1].appId, "/a");
    EXPECT_EQ(routes[2].hiddenBy, 1U);
}

TEST(RouteRank, LeavesHostsApart) {
    std::vector<RankedRoute> routes{route("/", 0, "/a"), route("/", 0, "/b")};
    routes[1].host = "y.test";
    rankRoutes(routes);
    EXPECT_FALSE(routes[0].hiddenBy || routes[1].hiddenBy);
}

TEST(RouteRank, MakesTheLongestPrefixTheFirstRule) {
    std::minstd_rand random(7);
    const auto text = [&](std::size_t most) {
        std::string path = "/";
        for (auto n = random() % (most + 1); n > 0; --n) {
            path += "ab/"[random() % 3];
        }
        return path;
    };
    for (int round = 0; round < 300; ++round) {
        std::vector<RankedRoute> routes;
        for (auto n = 1 + random() % 12; n > 0; --n) {
            routes.push_back(route(text(4), static_cast<std::int64_t>(random() % 3),
                                   "/app-" + std::to_string(n)));
        }
        rankRoutes(routes);
        for (int asked = 0; asked < 50; ++asked) {
            const auto path = text(6);
            EXPECT_EQ(longestPrefix(routes, path), firstRule(routes, path)) << path;
        }
    }
}

}  // namespace
}  // namespace evergate::controller::marathon
