// SPDX-License-Identifier: Apache-2.0
// Bounds of what protects endpoints and the data plane: outlier detection, retries, client
// addresses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/model/problem_places.hpp"

namespace evergate::model {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ValidationLimits, ChecksOutlierDetection) {
    const auto with = [](const OutlierDetection& outlier) {
        return places(Kind::backend, Backend{.outlier = outlier});
    };
    EXPECT_THAT(with({.consecutiveFailures = 5,
                      .failurePercent = 100,
                      .latencyPercent = 101,
                      .minimumRequests = 1,
                      .interval = milliseconds(100),
                      .ejectionTime = milliseconds(1),
                      .maxEjectedPercent = 100}),
                IsEmpty());
    EXPECT_THAT(with({.failurePercent = 101}), ElementsAre(".outlier.failurePercent"));
    EXPECT_THAT(with({.latencyPercent = 100}), ElementsAre(".outlier.latencyPercent"));
    EXPECT_THAT(with({.latencyPercent = 10'001}), ElementsAre(".outlier.latencyPercent"));
    EXPECT_THAT(with({.minimumRequests = 0}), ElementsAre(".outlier.minimumRequests"));
    EXPECT_THAT(with({.interval = milliseconds(99)}), ElementsAre(".outlier.intervalMs"));
    EXPECT_THAT(with({.ejectionTime = milliseconds(0)}), ElementsAre(".outlier.ejectionTimeMs"));
    EXPECT_THAT(with({.maxEjectedPercent = 101}), ElementsAre(".outlier.maxEjectedPercent"));
}

TEST(ValidationLimits, ChecksLoadAndRetries) {
    EXPECT_THAT(places(Kind::backend, Backend{.balance = BalanceAlgorithm::ewma,
                                              .panicPercent = 100,
                                              .slowStart = hours(24),
                                              .hashLoadPercent = 125,
                                              .retryStatuses = {500, 599},
                                              .perTryTimeout = milliseconds(1),
                                              .retryBudgetPercent = 0,
                                              .hedgeConnect = milliseconds(250),
                                              .proxyProtocol = ProxyProtocol::v2}),
                IsEmpty());
    EXPECT_THAT(places(Kind::backend, Backend{.balance = static_cast<BalanceAlgorithm>(4)}),
                ElementsAre(".balance"));
    EXPECT_THAT(places(Kind::backend, Backend{.panicPercent = 101}), ElementsAre(".panicPercent"));
    EXPECT_THAT(places(Kind::backend, Backend{.slowStart = hours(25)}),
                ElementsAre(".slowStartMs"));
    EXPECT_THAT(places(Kind::backend, Backend{.hashLoadPercent = 100}),
                ElementsAre(".hashLoadPercent"));
    for (const std::uint16_t status : {499, 600, 0}) {
        EXPECT_THAT(places(Kind::backend, Backend{.retryStatuses = {status}}),
                    ElementsAre(".retryStatuses"));
    }
    EXPECT_THAT(
        places(Kind::backend, Backend{.retryStatuses = std::vector<std::uint16_t>(17, 503)}),
        ElementsAre(".retryStatuses"));
    EXPECT_THAT(places(Kind::backend, Backend{.perTryTimeout = hours(25)}),
                ElementsAre(".perTryTimeoutMs"));
    EXPECT_THAT(places(Kind::backend, Backend{.retryBudgetPercent = 101}),
                ElementsAre(".retryBudgetPercent"));
    EXPECT_THAT(places(Kind::backend, Backend{.hedgeConnect = milliseconds(-1)}),
                ElementsAre(".hedgeConnectMs"));
    EXPECT_THAT(places(Kind::backend, Backend{.proxyProtocol = static_cast<ProxyProtocol>(3)}),
                ElementsAre(".proxyProtocol"));
    EXPECT_THAT(places(Kind::backend, Backend{.healthCheck = {.grpcService = std::string("a\nb")}}),
                ElementsAre(".healthCheck.grpcService"));
}

TEST(ValidationLimits, ChecksWhatIsSaidOfClients) {
    EXPECT_THAT(places(Kind::settings, Settings{.maxInterimResponses = 0,
                                                .headerUnderscores = HeaderUnderscores::refuse,
                                                .via = "evergate",
                                                .serverName = "evergate 1",
                                                .trustedProxies = {"10.0.0.0/8", "::1"}}),
                IsEmpty());
    EXPECT_THAT(places(Kind::settings, Settings{.handshakeTimeout = milliseconds(0)}),
                ElementsAre(".handshakeTimeoutMs"));
    EXPECT_THAT(places(Kind::settings, Settings{.halfCloseTimeout = hours(25)}),
                ElementsAre(".halfCloseTimeoutMs"));
    EXPECT_THAT(places(Kind::settings, Settings{.maxInterimResponses = 101}),
                ElementsAre(".maxInterimResponses"));
    EXPECT_THAT(
        places(Kind::settings, Settings{.headerUnderscores = static_cast<HeaderUnderscores>(3)}),
        ElementsAre(".headerUnderscores"));
    EXPECT_THAT(places(Kind::settings, Settings{.http2 = static_cast<ClientHttp2>(3)}),
                ElementsAre(".http2"));
    EXPECT_THAT(places(Kind::settings, Settings{.via = "a b"}), ElementsAre(".via"));
    EXPECT_THAT(places(Kind::settings, Settings{.serverName = "a\r\nX: y"}),
                ElementsAre(".serverName"));
    EXPECT_THAT(places(Kind::settings, Settings{.trustedProxies = {"::1", "10.0.0.0/33"}}),
                ElementsAre(".trustedProxies[1]"));
    EXPECT_THAT(
        places(Kind::listener, Listener{.address = "::", .port = 80, .proxyProtocolFrom = {"x"}}),
        ElementsAre(".proxyProtocolFrom[0]"));
}

}  // namespace
}  // namespace evergate::model
