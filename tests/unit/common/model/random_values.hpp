// SPDX-License-Identifier: Apache-2.0
// Random values and configurations for property tests. Seeded, so every run sees the same ones.
#pragma once

#include <random>
#include <string>

#include "common/model/config.hpp"

namespace evergate::model {

class RandomValues {
public:
    explicit RandomValues(std::uint32_t seed) : engine_(seed) {}

    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(engine_() % bound);
    }

    // Any bytes that are valid UTF-8, among them everything JSON has to escape.
    std::string text() {
        static const std::string pieces[] = {
            "a", "Z", "/", "\"", "\\", "\n", "\x01", "\x7f",
            "é", "€", "😀", " ",  "{",  "]",  ":",    std::string(1, 0)};
        std::string result;
        for (std::uint32_t i = below(12); i > 0; --i) {
            result += pieces[below(std::size(pieces))];
        }
        return result;
    }

    std::chrono::milliseconds duration() {
        return std::chrono::milliseconds(below(2) == 0 ? 60'000 : below(100'000'000));
    }

    bool flag() { return below(2) == 0; }

    std::uint16_t port() { return static_cast<std::uint16_t>(below(65'536)); }

    std::vector<std::string> texts() {
        std::vector<std::string> result(below(4));
        for (std::string& each : result) {
            each = text();
        }
        return result;
    }

    Value value(Kind kind) {
        switch (kind) {
            case Kind::settings:
                return settings();
            case Kind::listener:
                return Listener{text(),   port(), static_cast<ListenerProtocol>(below(3)),
                                text(),   flag(), texts(),
                                below(3), texts()};
            case Kind::certificate:
                return Certificate{texts(), text(), text(), text()};
            case Kind::backend:
                return backend();
            case Kind::endpoints:
                return endpoints();
            case Kind::route:
                return route();
        }
        return {};
    }

    Settings settings() {
        return Settings{.headTimeout = duration(),
                        .keepAliveTimeout = duration(),
                        .bodyTimeout = duration(),
                        .writeTimeout = duration(),
                        .tunnelTimeout = duration(),
                        .upstreamIdleTimeout = duration(),
                        .maxHeadBytes = below(70'000),
                        .maxHeaders = below(200),
                        .defaultCertificate = text(),
                        .handshakeTimeout = duration(),
                        .halfCloseTimeout = duration(),
                        .minimumBodyRate = below(500),
                        .maxInterimResponses = below(10),
                        .headerUnderscores = static_cast<HeaderUnderscores>(below(3)),
                        .via = text(),
                        .serverName = text(),
                        .trustedProxies = texts(),
                        .clientAddressHeader = static_cast<ClientAddressHeader>(below(2)),
                        .maxConnectionsPerClient = below(3),
                        .http2 = static_cast<ClientHttp2>(below(3))};
    }

    OutlierDetection outlier() {
        return OutlierDetection{.consecutiveFailures = below(3),
                                .failurePercent = below(3),
                                .latencyPercent = below(3),
                                .minimumRequests = below(30),
                                .interval = duration(),
                                .ejectionTime = duration(),
                                .maxEjectedPercent = below(100)};
    }

    Backend backend() {
        return Backend{.balance = static_cast<BalanceAlgorithm>(below(4)),
                       .hashOn = static_cast<HashOn>(below(3)),
                       .hashHeader = text(),
                       .connectTimeout = duration(),
                       .responseTimeout = duration(),
                       .inactivityTimeout = duration(),
                       .retries = below(4),
                       .queueTimeout = duration(),
                       .maxConnections = below(4),
                       .maxPending = below(2'000),
                       .affinityCookie = text(),
                       .protocol = static_cast<BackendProtocol>(below(2)),
                       .tlsVerify = flag(),
                       .tlsServerName = text(),
                       .tlsAuthorities = text(),
                       .healthCheck = {.type = static_cast<HealthCheckType>(below(5)),
                                       .path = text(),
                                       .host = text(),
                                       .port = port(),
                                       .interval = duration(),
                                       .timeout = duration(),
                                       .healthyThreshold = below(4),
                                       .unhealthyThreshold = below(4),
                                       .statusLow = port(),
                                       .statusHigh = port(),
                                       .grpcService = text()},
                       .outlier = outlier(),
                       .panicPercent = below(100),
                       .slowStart = duration(),
                       .hashLoadPercent = below(200),
                       .retryStatuses = {port(), port()},
                       .perTryTimeout = duration(),
                       .retryBudgetPercent = below(100),
                       .hedgeConnect = duration(),
                       .abortOnClientClose = flag(),
                       .proxyProtocol = static_cast<ProxyProtocol>(below(3))};
    }

    Endpoints endpoints() {
        Endpoints result;
        for (std::uint32_t i = below(5); i > 0; --i) {
            result.endpoints.push_back(
                {text(), static_cast<std::uint16_t>(below(65'536)), below(3)});
        }
        return result;
    }

    std::vector<HeaderField> fields() {
        std::vector<HeaderField> result(below(3));
        for (HeaderField& each : result) {
            each = {text(), text()};
        }
        return result;
    }

    Route route() {
        return Route{.listeners = texts(),
                     .host = text(),
                     .pathType = static_cast<PathType>(below(3)),
                     .path = "/" + text(),
                     .backend = text(),
                     .origin = text(),
                     .rewritePrefix = text(),
                     .requestHeadersSet = fields(),
                     .requestHeadersRemove = texts(),
                     .responseHeadersSet = fields(),
                     .responseHeadersRemove = texts(),
                     .redirectToHttps = flag(),
                     .redirectPort = port(),
                     .restrictSources = flag(),
                     .allowSources = texts(),
                     .maxBodyBytes = flag() ? below(1'000) : 1ULL << 53};
    }

    Kind kind() { return static_cast<Kind>(below(kKinds)); }

    // Few names, so that two configurations share some keys and differ in others.
    Key key() { return {kind(), "n" + std::to_string(below(20))}; }

    Config config() {
        Config result;
        for (std::uint32_t i = below(60); i > 0; --i) {
            const Key each = key();
            result.put(each, value(each.kind));
        }
        return result;
    }

private:
    std::mt19937 engine_;
};

}  // namespace evergate::model
