// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/translate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/validation.hpp"
#include "tests/unit/controller/marathon/samples.hpp"

namespace evergate::controller::marathon {
namespace {

using model::Key;
using model::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> keysOf(const Translated& translated, Kind kind) {
    std::vector<std::string> names;
    for (const auto& [key, entry] : translated.desired.config.entries()) {
        EXPECT_THAT(model::validate(key, *entry.value), IsEmpty());
        if (key.kind == kind) {
            names.push_back(key.name);
        }
    }
    EXPECT_THAT(model::crossCheck(translated.desired.config), IsEmpty());
    return names;
}

template <typename T>
T find(const Translated& translated, Kind kind, const std::string& name) {
    const auto* value = translated.desired.config.find<T>(Key{kind, name});
    EXPECT_NE(value, nullptr) << name;
    return value == nullptr ? T{} : *value;
}

TEST(MarathonTranslation, OpensAListenerPerServicePort) {
    auto app = appWith("/shop/web", {10000, 10001},
                       {{"HAPROXY_0_VHOST", "shop.test"}, {"HAPROXY_0_STICKY", "true"}});
    app.tasks = {taskAt("t2", "10.0.0.2", {31000, 31001}),
                 taskAt("t1", "10.0.0.1", {31000, 31001})};
    const auto result = translated({app});
    EXPECT_THAT(result.desired.problems, IsEmpty());
    EXPECT_THAT(keysOf(result, Kind::listener), ElementsAre("http", "port/10000", "port/10001"));
    EXPECT_THAT(keysOf(result, Kind::route), ElementsAre("port/10000", "vhost/shop.test/"));
    EXPECT_THAT(keysOf(result, Kind::backend), ElementsAre("shop_web_10000", "shop_web_10001"));
    const auto http = find<model::Listener>(result, Kind::listener, "port/10000");
    EXPECT_EQ(http.protocol, model::ListenerProtocol::http);
    EXPECT_EQ(http.address, "0.0.0.0");
    const auto tcp = find<model::Listener>(result, Kind::listener, "port/10001");
    EXPECT_EQ(tcp.protocol, model::ListenerProtocol::tcp);
    EXPECT_EQ(tcp.backend, "shop_web_10001");
    EXPECT_EQ(textOf(find<model::Endpoints>(result, Kind::endpoints, "shop_web_10001")),
              "10.0.0.1:31001 10.0.0.2:31001");
    EXPECT_EQ(find<model::Backend>(result, Kind::backend, "shop_web_10000").affinityCookie,
              "mesosphere_server_id");
    const auto route = find<model::Route>(result, Kind::route, "vhost/shop.test/");
    EXPECT_EQ(route.origin, "App /shop/web");
    EXPECT_EQ(result.owners.at("shop_web_10001"), (BackendOwner{"/shop/web", 1}));
}

TEST(MarathonTranslation, ServesHostsOnHttpsToo) {
    auto how = options();
    how.common.https = HttpsOptions{"0.0.0.0", 443, 8443, {}};
    const auto app = appWith(
        "/a", {10000}, {{"HAPROXY_0_VHOST", "a.test"}, {"HAPROXY_0_REDIRECT_TO_HTTPS", "true"}});
    const auto result = translated({app}, how);
    EXPECT_THAT(keysOf(result, Kind::listener), ElementsAre("http", "https", "port/10000"));
    const auto route = find<model::Route>(result, Kind::route, "vhost/a.test/");
    EXPECT_THAT(route.listeners, ElementsAre("http", "https"));
    EXPECT_TRUE(route.redirectToHttps);
    EXPECT_EQ(route.redirectPort, 8443);
    EXPECT_FALSE(find<model::Route>(result, Kind::route, "port/10000").redirectToHttps);
    EXPECT_THAT(
        textsOf(translated({app}).desired.problems),
        ElementsAre("App /a HAPROXY_0_REDIRECT_TO_HTTPS: there is no https listener; ignored"));
}

TEST(MarathonTranslation, TakesWhatHoldsForEverything) {
    auto how = options();
    how.common.https.emplace();
    how.common.listenerMaxConnections = 7;
    how.common.proxyProtocolFrom = {"10.0.0.0/8"};
    how.common.settings.via = "edge";
    const auto result = translated({appWith("/a", {10000})}, how);
    for (const char* name : {"http", "https"}) {
        const auto listener = find<model::Listener>(result, Kind::listener, name);
        EXPECT_EQ(listener.maxConnections, 7U);
        EXPECT_THAT(listener.proxyProtocolFrom, ElementsAre("10.0.0.0/8"));
    }
    const auto port = find<model::Listener>(result, Kind::listener, "port/10000");
    EXPECT_THAT(port.proxyProtocolFrom, IsEmpty());
    EXPECT_EQ(find<model::Settings>(result, Kind::settings, "global").via, "edge");
}

TEST(MarathonTranslation, GivesAPortToTheFirstApp) {
    const auto result =
        translated({appWith("/b", {10000}, {{"HAPROXY_0_PORT", "8080"}}),
                    appWith("/a", {10000}, {{"HAPROXY_0_PORT", "8080"}}), appWith("/c", {80}),
                    appWith("/d", {8080}, {{"HAPROXY_0_BIND_ADDR", "10.0.0.1"}})});
    EXPECT_THAT(keysOf(result, Kind::listener),
                ElementsAre("http", "port/8080", "port/8080/10.0.0.1"));
    EXPECT_EQ(find<model::Listener>(result, Kind::listener, "port/8080").backend, "a_8080");
    EXPECT_THAT(
        textsOf(result.desired.problems),
        ElementsAre("App /b HAPROXY_0_PORT: port 8080 is taken by App /a; the service port is not "
                    "opened",
                    "App /c HAPROXY_0_PORT: port 80 is Evergate's own; the service port is not "
                    "opened"));
}

TEST(MarathonTranslation, KeepsTwoPortsOfOneAppApart) {
    const auto result = translated({appWith("/a", {10000, 10001}, {{"HAPROXY_1_PORT", "10000"}})});
    EXPECT_THAT(keysOf(result, Kind::backend), ElementsAre("a_10000"));
    EXPECT_THAT(
        textsOf(result.desired.problems),
        ElementsAre("App /a HAPROXY_1_PORT: the name a_10000 is taken by App /a: not served"));
}

TEST(MarathonTranslation, OrdersHostsAsMarathonLbDoes) {
    const auto vhost = [](const char* path, const char* weight) {
        std::map<std::string, std::string> labels{{"HAPROXY_0_VHOST", "x.test"}};
        if (*path != '\0') {
            labels["HAPROXY_0_PATH"] = path;
        }
        if (*weight != '\0') {
            labels["HAPROXY_0_BACKEND_WEIGHT"] = weight;
        }
        return labels;
    };
    const auto result = translated(
        {appWith("/root", {1001}, vhost("", "")), appWith("/other", {1002}, vhost("", "")),
         appWith("/api", {1003}, vhost("/api", "")), appWith("/v2", {1004}, vhost("/api/v2", "")),
         appWith("/v3", {1005}, vhost("/api/v3", "5"))});
    EXPECT_THAT(
        keysOf(result, Kind::route),
        testing::IsSupersetOf({"vhost/x.test/", "vhost/x.test/api", "vhost/x.test/api/v3"}));
    EXPECT_EQ(find<model::Route>(result, Kind::route, "vhost/x.test/").backend, "other_1002");
    EXPECT_EQ(find<model::Route>(result, Kind::route, "vhost/x.test/api").pathType,
              model::PathType::rawPrefix);
    EXPECT_THAT(
        textsOf(result.desired.problems),
        ElementsAre(HasSubstr("App /root HAPROXY_0_VHOST: x.test/ is never reached: x.test/ "
                              "of App /other comes first"),
                    HasSubstr("App /v2 HAPROXY_0_PATH: x.test/api/v2 is never reached: "
                              "x.test/api of App /api comes first")));
}

TEST(MarathonTranslation, RestrictsEveryWayIn) {
    const std::string acl = "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL";
    const auto result =
        translated({appWith("/h", {1001}, {{"HAPROXY_0_VHOST", "h.test"}, {acl, "10.0.0.0/8"}}),
                    appWith("/t", {1002}, {{acl, "nonsense"}})});
    keysOf(result, Kind::route);
    for (const auto* name : {"vhost/h.test/", "port/1001"}) {
        const auto route = find<model::Route>(result, Kind::route, name);
        EXPECT_TRUE(route.restrictSources);
        EXPECT_THAT(route.allowSources, ElementsAre("10.0.0.0/8"));
    }
    const auto listener = find<model::Listener>(result, Kind::listener, "port/1002");
    EXPECT_TRUE(listener.restrictSources);
    EXPECT_THAT(listener.allowSources, IsEmpty());
}

TEST(MarathonTranslation, ServesHostsOfAppsWithoutServicePort) {
    auto app = appWith("/a", {0, 0}, {{"HAPROXY_0_VHOST", "a.test"}});
    const auto result = translated({app});
    EXPECT_THAT(keysOf(result, Kind::listener), ElementsAre("http"));
    EXPECT_THAT(keysOf(result, Kind::backend), ElementsAre("a_0_0"));
    EXPECT_THAT(textsOf(result.desired.problems),
                ElementsAre(HasSubstr("App /a HAPROXY_1_PORT: Marathon assigned no service port")));
}

TEST(MarathonTranslation, ReportsTasksThatLeadNowhere) {
    auto app = appWith("/a", {10000});
    app.tasks = {taskAt("1", "agent.int", {31000}), taskAt("2", "0.0.0.0", {31000}),
                 taskAt("3", "10.0.0.3", {0}), taskAt("4", "10.0.0.4", {31000})};
    const auto result = translated({app});
    EXPECT_EQ(textOf(find<model::Endpoints>(result, Kind::endpoints, "a_10000")), "10.0.0.4:31000");
    EXPECT_EQ(result.desired.problems.size(), 3U);
}

TEST(MarathonTranslation, TakesAddressesFromTheLookup) {
    auto app = appWith("/a", {10000});
    app.tasks = {taskAt("1", "agent.int", {31000})};
    Apps apps{{app.id, app}};
    const auto result = translate(apps, {}, options(), [](const std::string& host) {
        return host == "agent.int" ? std::string("10.0.0.9") : std::string();
    });
    EXPECT_EQ(textOf(find<model::Endpoints>(result, Kind::endpoints, "a_10000")), "10.0.0.9:31000");
}

TEST(MarathonTranslation, NamesMalformedApps) {
    const auto result = translate({}, {{"/bad", "ports[0]", "must be 0..65535"}}, options(), {});
    EXPECT_THAT(textsOf(result.desired.problems),
                ElementsAre("App /bad ports[0]: must be 0..65535; the app is as it was"));
    EXPECT_THAT(keysOf(result, Kind::listener), ElementsAre("http"));
}

}  // namespace
}  // namespace evergate::controller::marathon
