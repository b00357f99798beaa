// SPDX-License-Identifier: Apache-2.0
#include "common/model/validation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/json.hpp"
#include "tests/unit/common/model/problem_places.hpp"

namespace evergate::model {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Validation, AcceptsDefaults) {
    EXPECT_THAT(places(Kind::settings, Settings{}), IsEmpty());
    EXPECT_THAT(places(Kind::backend, Backend{}), IsEmpty());
    EXPECT_THAT(places(Kind::endpoints, Endpoints{}), IsEmpty());
}

TEST(Validation, ChecksTheKey) {
    EXPECT_THAT(validate({Kind::settings, "other"}, Settings{}), SizeIs(1));
    EXPECT_THAT(validate({Kind::backend, ""}, Backend{}), SizeIs(1));
    EXPECT_THAT(validate({Kind::backend, "a b"}, Backend{}), SizeIs(1));
    EXPECT_THAT(validate({Kind::backend, std::string(1001, 'a')}, Backend{}), SizeIs(1));
    EXPECT_THAT(validate({Kind::backend, std::string(1000, 'a')}, Backend{}), IsEmpty());
    EXPECT_THAT(validate({Kind::endpoints, "a"}, Backend{}), SizeIs(1));
}

TEST(Validation, BoundsEverySetting) {
    Settings bad;
    bad.headTimeout = milliseconds(0);
    bad.keepAliveTimeout = milliseconds(-1);
    bad.bodyTimeout = hours(24) + milliseconds(1);
    bad.writeTimeout = milliseconds(0);
    bad.tunnelTimeout = hours(25);
    bad.upstreamIdleTimeout = milliseconds(0);
    bad.maxHeadBytes = 65'537;
    bad.maxHeaders = 7;
    EXPECT_THAT(
        places(Kind::settings, bad),
        ElementsAre(".headTimeoutMs", ".keepAliveTimeoutMs", ".bodyTimeoutMs", ".writeTimeoutMs",
                    ".tunnelTimeoutMs", ".upstreamIdleTimeoutMs", ".maxHeadBytes", ".maxHeaders"));
    Settings edge;
    edge.headTimeout = milliseconds(1);
    edge.tunnelTimeout = hours(24);
    edge.maxHeadBytes = 65'536;
    edge.maxHeaders = 1024;
    EXPECT_THAT(places(Kind::settings, edge), IsEmpty());
    EXPECT_THAT(places(Kind::settings, Settings{.maxHeadBytes = 1023}), SizeIs(1));
    EXPECT_THAT(places(Kind::settings, Settings{.maxHeaders = 1025}), SizeIs(1));
}

TEST(Validation, ChecksListeners) {
    for (const char* address : {"0.0.0.0", "::", "127.0.0.1", "::1", "::ffff:1.2.3.4"}) {
        EXPECT_THAT(places(Kind::listener, Listener{.address = address, .port = 80}), IsEmpty());
    }
    for (const std::string& address :
         {std::string(), std::string("localhost"), std::string("[::1]"), std::string("1.2.3"),
          std::string("1.2.3.4/8"), std::string("fe80::1%eth0"), std::string("01.2.3.4"),
          std::string("1.2.3.4\0x", 9), std::string(100, '1')}) {
        EXPECT_THAT(places(Kind::listener, Listener{.address = address, .port = 80}),
                    ElementsAre(".address"));
    }
    EXPECT_THAT(places(Kind::listener, Listener{.address = "::", .port = 0}), ElementsAre(".port"));
    EXPECT_THAT(places(Kind::listener, Listener{"::", 80, ListenerProtocol::tcp, ""}),
                ElementsAre(".backend"));
    EXPECT_THAT(places(Kind::listener, Listener{"::", 80, ListenerProtocol::tcp, "b"}), IsEmpty());
    EXPECT_THAT(places(Kind::listener, Listener{"::", 80, ListenerProtocol::http, "b"}),
                ElementsAre(".backend"));
    EXPECT_THAT(places(Kind::listener, Listener{"::", 80, static_cast<ListenerProtocol>(9), ""}),
                ElementsAre(".protocol"));
}

TEST(Validation, ChecksBackends) {
    EXPECT_THAT(places(Kind::backend, Backend{.hashOn = HashOn::header}),
                ElementsAre(".hashHeader"));
    EXPECT_THAT(places(Kind::backend, Backend{.hashOn = HashOn::header, .hashHeader = "X-User"}),
                ElementsAre(".hashHeader"));
    EXPECT_THAT(places(Kind::backend, Backend{.hashOn = HashOn::header, .hashHeader = "x-user"}),
                IsEmpty());
    EXPECT_THAT(places(Kind::backend, Backend{.hashHeader = "x-user"}), ElementsAre(".hashHeader"));
    EXPECT_THAT(
        places(Kind::backend, Backend{.connectTimeout = milliseconds(0),
                                      .responseTimeout = milliseconds(0),
                                      .inactivityTimeout = milliseconds(0),
                                      .retries = 11}),
        ElementsAre(".connectTimeoutMs", ".responseTimeoutMs", ".inactivityTimeoutMs", ".retries"));
    EXPECT_THAT(places(Kind::backend, Backend{.balance = static_cast<BalanceAlgorithm>(7),
                                              .hashOn = static_cast<HashOn>(7)}),
                ElementsAre(".balance", ".hashOn"));
}

TEST(Validation, ChecksEndpoints) {
    EXPECT_THAT(
        places(Kind::endpoints,
               Endpoints{{{"10.0.0.1", 80, 1000}, {"10.0.0.1", 81, 0}, {"fd00::1", 80, 1}}}),
        IsEmpty());
    EXPECT_THAT(places(Kind::endpoints, Endpoints{{{"web.example", 80, 1}}}),
                ElementsAre(".endpoints[0].address"));
    EXPECT_THAT(places(Kind::endpoints, Endpoints{{{"0.0.0.0", 80, 1}, {"::", 80, 1}}}),
                ElementsAre(".endpoints[0].address", ".endpoints[1].address"));
    EXPECT_THAT(places(Kind::endpoints, Endpoints{{{"10.0.0.1", 0, 1001}}}),
                ElementsAre(".endpoints[0].port", ".endpoints[0].weight"));
    EXPECT_THAT(places(Kind::endpoints, Endpoints{{{"10.0.0.1", 80, 1}, {"10.0.0.1", 80, 2}}}),
                ElementsAre(".endpoints[1]"));
    EXPECT_THAT(places(Kind::endpoints, Endpoints{{{"10.0.0.2", 80, 1}, {"10.0.0.1", 80, 1}}}),
                ElementsAre(".endpoints[1]"));
}

TEST(Validation, ReportsManyBadEndpointsBriefly) {
    Endpoints many;
    many.endpoints.resize(kMaxEndpointsPerBackend + 1);
    EXPECT_THAT(places(Kind::endpoints, many), SizeIs(16));
}

TEST(Validation, ChecksRoutes) {
    const Route good{{"http"}, "*.example.com", PathType::prefix, "/a%20b", "shop", "Ingress é"};
    EXPECT_THAT(places(Kind::route, good), IsEmpty());
    const auto with = [&](auto change) {
        Route route = good;
        change(route);
        return places(Kind::route, route);
    };
    EXPECT_THAT(with([](Route& r) { r.listeners.clear(); }), ElementsAre(".listeners"));
    EXPECT_THAT(with([](Route& r) { r.listeners = {"a", "a"}; }), ElementsAre(".listeners[1]"));
    EXPECT_THAT(with([](Route& r) { r.listeners = {"a", ""}; }), ElementsAre(".listeners[1]"));
    EXPECT_THAT(with([](Route& r) { r.host.clear(); }), IsEmpty());
    EXPECT_THAT(with([](Route& r) { r.host = "EXAMPLE.com"; }), ElementsAre(".host"));
    EXPECT_THAT(with([](Route& r) { r.path = ""; }), ElementsAre(".path"));
    EXPECT_THAT(with([](Route& r) { r.path = "a"; }), ElementsAre(".path"));
    EXPECT_THAT(with([](Route& r) { r.path = "/a b"; }), ElementsAre(".path"));
    EXPECT_THAT(with([](Route& r) { r.path = "/a\r\n"; }), ElementsAre(".path"));
    EXPECT_THAT(with([](Route& r) { r.path = "/" + std::string(4096, 'a'); }),
                ElementsAre(".path"));
    EXPECT_THAT(with([](Route& r) { r.backend.clear(); }), ElementsAre(".backend"));
    EXPECT_THAT(with([](Route& r) { r.origin = "a\nb"; }), ElementsAre(".origin"));
    EXPECT_THAT(with([](Route& r) { r.origin = "\xff"; }), ElementsAre(".origin"));
    EXPECT_THAT(with([](Route& r) { r.origin.assign(1025, 'a'); }), ElementsAre(".origin"));
    EXPECT_THAT(with([](Route& r) { r.pathType = static_cast<PathType>(9); }),
                ElementsAre(".pathType"));
}

TEST(Validation, ChecksRoutePolicy) {
    Route good{{"http"}, "a.example", PathType::prefix, "/", "shop", ""};
    good.rewritePrefix = "/v2";
    good.requestHeadersSet = {{"x-forwarded-proto", "https"}};
    good.responseHeadersSet = {{"strict-transport-security", "max-age=1; includeSubDomains"}};
    good.responseHeadersRemove = {"server"};
    good.restrictSources = true;
    good.allowSources = {"10.0.0.0/8", "::1"};
    EXPECT_THAT(places(Kind::route, good), IsEmpty());
    const auto with = [&](auto change) {
        Route route = good;
        change(route);
        return places(Kind::route, route);
    };
    EXPECT_THAT(with([](Route& r) { r.rewritePrefix = "/a//b"; }), ElementsAre(".rewritePrefix"));
    EXPECT_THAT(with([](Route& r) {
                    r.requestHeadersSet = {{"connection", "close"}};
                }),
                ElementsAre(".requestHeadersSet[0].name"));
    EXPECT_THAT(with([](Route& r) {
                    r.requestHeadersSet = {{"X-A", "b"}};
                }),
                ElementsAre(".requestHeadersSet[0].name"));
    EXPECT_THAT(with([](Route& r) {
                    r.responseHeadersSet = {{"x-a", "b\r\nx-c: d"}};
                }),
                ElementsAre(".responseHeadersSet[0].value"));
    EXPECT_THAT(with([](Route& r) { r.responseHeadersRemove = {"content-length"}; }),
                ElementsAre(".responseHeadersRemove[0]"));
    EXPECT_THAT(with([](Route& r) {
                    r.responseHeadersSet.assign(3, {"x-a", std::string(4'000, 'a')});
                }),
                ElementsAre(".responseHeadersSet"));
    EXPECT_THAT(with([](Route& r) { r.redirectPort = 0; }), ElementsAre(".redirectPort"));
    EXPECT_THAT(with([](Route& r) {
                    r.allowSources = {"10.0.0.0/8", "10.0.0.0/33"};
                }),
                ElementsAre(".allowSources[1]"));
    EXPECT_THAT(with([](Route& r) { r.allowSources.clear(); }), IsEmpty());
    EXPECT_THAT(with([](Route& r) { r.restrictSources = false; }), ElementsAre(".allowSources"));
}

TEST(Validation, ChecksAccessListsOfListeners) {
    Listener tcp{"::", 80, ListenerProtocol::tcp, "b"};
    tcp.restrictSources = true;
    tcp.allowSources = {"192.168.0.0/16"};
    EXPECT_THAT(places(Kind::listener, tcp), IsEmpty());
    tcp.allowSources = {"nowhere"};
    EXPECT_THAT(places(Kind::listener, tcp), ElementsAre(".allowSources[0]"));
    Listener http{"::", 80, ListenerProtocol::http, ""};
    http.restrictSources = true;
    EXPECT_THAT(places(Kind::listener, http), ElementsAre(".restrictSources"));
}

TEST(Validation, ChecksQueueAndAffinity) {
    EXPECT_THAT(places(Kind::backend, Backend{.queueTimeout = milliseconds(0)}),
                ElementsAre(".queueTimeoutMs"));
    EXPECT_THAT(places(Kind::backend, Backend{.maxPending = 1'000'001}),
                ElementsAre(".maxPending"));
    EXPECT_THAT(places(Kind::backend, Backend{.maxPending = 0}), IsEmpty());
    EXPECT_THAT(places(Kind::backend, Backend{.affinityCookie = "route_id"}), IsEmpty());
    for (const char* name : {"a b", "a=b", "a;b", "__Host-a", "caf\xc3\xa9", "a\r\n"}) {
        EXPECT_THAT(places(Kind::backend, Backend{.affinityCookie = name}),
                    ElementsAre(".affinityCookie"))
            << name;
    }
}

TEST(Validation, ChecksHowEndpointsAreReached) {
    EXPECT_THAT(places(Kind::backend, Backend{.protocol = BackendProtocol::https,
                                              .tlsVerify = true,
                                              .tlsServerName = "web.example.com"}),
                IsEmpty());
    EXPECT_THAT(places(Kind::backend, Backend{.protocol = static_cast<BackendProtocol>(9)}),
                ElementsAre(".protocol"));
    for (const char* name : {"Web.example.com", "a b", "*.a", "a\n", "-"}) {
        EXPECT_THAT(places(Kind::backend, Backend{.tlsServerName = name}),
                    ElementsAre(".tlsServerName"));
    }
    EXPECT_THAT(places(Kind::backend, Backend{.tlsAuthorities = "/etc/ca.pem"}),
                ElementsAre(".tlsAuthorities"));
}

std::vector<std::string> checkPlaces(const HealthCheck& check) {
    return places(Kind::backend, Backend{.healthCheck = check});
}

TEST(Validation, ChecksHealthChecks) {
    EXPECT_THAT(checkPlaces({.type = HealthCheckType::http,
                             .path = "/healthz?full=1",
                             .host = "[::1]:8080",
                             .port = 65'535,
                             .interval = milliseconds(100),
                             .timeout = milliseconds(10),
                             .healthyThreshold = 100,
                             .unhealthyThreshold = 1,
                             .statusLow = 204,
                             .statusHigh = 204}),
                IsEmpty());
    EXPECT_THAT(checkPlaces({.type = static_cast<HealthCheckType>(5)}),
                ElementsAre(".healthCheck.type"));
    for (const std::string& path :
         {std::string(), std::string("healthz"), std::string("/a b"), std::string("/a\r\nX: y"),
          std::string("/a#b"), "/" + std::string(4096, 'a')}) {
        EXPECT_THAT(checkPlaces({.path = path}), ElementsAre(".healthCheck.path"));
    }
    EXPECT_THAT(checkPlaces({.host = "a\r\nX: y"}), ElementsAre(".healthCheck.host"));
    EXPECT_THAT(checkPlaces({.interval = milliseconds(99)}),
                ElementsAre(".healthCheck.intervalMs"));
    EXPECT_THAT(checkPlaces({.interval = hours(25)}), ElementsAre(".healthCheck.intervalMs"));
    EXPECT_THAT(checkPlaces({.timeout = milliseconds(9)}), ElementsAre(".healthCheck.timeoutMs"));
    EXPECT_THAT(checkPlaces({.timeout = hours(1)}), ElementsAre(".healthCheck.timeoutMs"));
    EXPECT_THAT(checkPlaces({.healthyThreshold = 0, .unhealthyThreshold = 101}),
                ElementsAre(".healthCheck.healthyThreshold", ".healthCheck.unhealthyThreshold"));
    EXPECT_THAT(checkPlaces({.statusLow = 99}), ElementsAre(".healthCheck.statusLow"));
    EXPECT_THAT(checkPlaces({.statusHigh = 600}), ElementsAre(".healthCheck.statusLow"));
    EXPECT_THAT(checkPlaces({.statusLow = 300, .statusHigh = 299}),
                ElementsAre(".healthCheck.statusLow"));
}

TEST(Validation, ChecksCertificates) {
    const Certificate good{
        {"a.test", "*.a.test"},
        "text before\n-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nMA==\n-----END EC PRIVATE KEY-----\n",
        "Secret shop/tls"};
    EXPECT_THAT(places(Kind::certificate, good), IsEmpty());
    const auto with = [&](auto change) {
        Certificate certificate = good;
        change(certificate);
        return places(Kind::certificate, certificate);
    };
    EXPECT_THAT(with([](Certificate& c) { c.hosts.clear(); }), IsEmpty());
    EXPECT_THAT(with([](Certificate& c) {
                    c.hosts = {"a.test", "A.test"};
                }),
                ElementsAre(".hosts[1]"));
    EXPECT_THAT(with([](Certificate& c) { c.hosts.assign(257, "a"); }), ElementsAre(".hosts"));
    EXPECT_THAT(with([](Certificate& c) { c.chain.clear(); }), ElementsAre(".chain"));
    EXPECT_THAT(with([](Certificate& c) { std::swap(c.chain, c.key); }),
                ElementsAre(".chain", ".key"));
    EXPECT_THAT(with([](Certificate& c) { c.chain.resize(c.chain.find("-----END")); }),
                ElementsAre(".chain"));
    EXPECT_THAT(with([](Certificate& c) { c.key += '\0'; }), ElementsAre(".key"));
    EXPECT_THAT(with([](Certificate& c) { c.chain.append(kMaxPemBytes, '\n'); }),
                ElementsAre(".chain"));
    EXPECT_THAT(with([](Certificate& c) { c.origin = "a\nb"; }), ElementsAre(".origin"));
    EXPECT_THAT(places(Kind::settings, Settings{.defaultCertificate = "a b"}),
                ElementsAre(".defaultCertificate"));
}

}  // namespace
}  // namespace evergate::model
