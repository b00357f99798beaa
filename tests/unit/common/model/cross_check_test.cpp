// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/validation.hpp"

namespace evergate::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config base() {
    Config config;
    config.put({Kind::listener, "http"}, Listener{.address = "0.0.0.0", .port = 80});
    config.put({Kind::listener, "raw"}, Listener{"0.0.0.0", 53, ListenerProtocol::tcp, "shop"});
    config.put({Kind::backend, "shop"}, Backend{});
    config.put({Kind::route, "a"}, Route{.listeners = {"http"}, .backend = "shop"});
    return config;
}

std::vector<std::string> found(const Config& config) {
    std::vector<std::string> result;
    for (const KeyedProblem& each : crossCheck(config)) {
        EXPECT_TRUE(each.problem.where.starts_with(toText(each.key)));
        result.push_back(each.problem.where + ": " + each.problem.what);
    }
    return result;
}

TEST(CrossCheck, AcceptsAConsistentConfiguration) {
    EXPECT_THAT(found(base()), IsEmpty());
    EXPECT_THAT(found(Config{}), IsEmpty());
}

TEST(CrossCheck, NamesAbsentBackendsAndListeners) {
    Config config = base();
    config.put({Kind::route, "b"},
               Route{.listeners = {"gone", "raw"}, .host = "b", .backend = "gone"});
    config.put({Kind::listener, "raw2"}, Listener{"0.0.0.0", 54, ListenerProtocol::tcp, "gone"});
    EXPECT_THAT(found(config), ElementsAre("listener/raw2.backend: no backend gone",
                                           "route/b.backend: no backend gone",
                                           "route/b.listeners: no listener gone",
                                           "route/b.listeners: listener raw is not for http"));
}

TEST(CrossCheck, SaysNothingAboutEndpoints) {
    Config config = base();
    config.put({Kind::endpoints, "unknown"}, Endpoints{});
    EXPECT_THAT(found(config), IsEmpty());
}

TEST(CrossCheck, FindsListenersOnOneAddressInAnySpelling) {
    Config config;
    config.put({Kind::listener, "a"}, Listener{.address = "::1", .port = 80});
    config.put({Kind::listener, "b"}, Listener{.address = "0:0::1", .port = 80});
    config.put({Kind::listener, "c"}, Listener{.address = "::1", .port = 81});
    config.put({Kind::listener, "d"}, Listener{.address = "::", .port = 80});
    EXPECT_THAT(found(config),
                ElementsAre("listener/b.port: address and port already taken by listener/a"));
}

TEST(CrossCheck, FindsRoutesWithTheSameMatch) {
    Config config = base();
    config.put({Kind::listener, "alt"}, Listener{.address = "0.0.0.0", .port = 81});
    config.put({Kind::route, "b"}, Route{.listeners = {"alt", "http"}, .backend = "shop"});
    config.put({Kind::route, "c"}, Route{.listeners = {"alt"}, .backend = "shop"});
    config.put({Kind::route, "d"},
               Route{.listeners = {"http"}, .pathType = PathType::exact, .backend = "shop"});
    config.put({Kind::route, "e"}, Route{.listeners = {"http"}, .host = "e", .backend = "shop"});
    EXPECT_THAT(found(config),
                ElementsAre("route/b.path: same listener, host and path as route/a",
                            "route/c.path: same listener, host and path as route/b"));
}

TEST(CrossCheck, IgnoresTheTrailingSlashOfElementPrefixesOnly) {
    const auto route = [](PathType type, std::string path) {
        return Route{.listeners = {"http"}, .pathType = type, .path = path, .backend = "shop"};
    };
    Config config = base();
    config.put({Kind::route, "p1"}, route(PathType::prefix, "/x"));
    config.put({Kind::route, "p2"}, route(PathType::prefix, "/x/"));
    config.put({Kind::route, "r1"}, route(PathType::rawPrefix, "/x"));
    config.put({Kind::route, "r2"}, route(PathType::rawPrefix, "/x/"));
    EXPECT_THAT(found(config),
                ElementsAre("route/p2.path: same listener, host and path as route/p1"));
}

}  // namespace
}  // namespace evergate::model
