// SPDX-License-Identifier: Apache-2.0
// The fields of each value, by wire name, in wire order: one table that the encoder and the decoder
// of json.hpp both walk, so that they cannot disagree. Private to the codec.
//
// A field that equals its default is not written. So a build that adds a field still gives the old
// values their old hashes. Names and order are the wire format: never change or reorder them.
#pragma once

#include <array>
#include <string_view>
#include <type_traits>

#include "common/model/values.hpp"

namespace evergate::model {

// Fields<T>::each(visit) calls visit(name, pointer to member) for every field of T.
template <typename T>
struct Fields;

// Values that only occur inside others.
template <typename T>
inline constexpr bool kIsNested =
    std::is_same_v<T, Endpoint> || std::is_same_v<T, HeaderField> ||
    std::is_same_v<T, HealthCheck> || std::is_same_v<T, OutlierDetection> ||
    std::is_same_v<T, ClientVerification>;

template <typename Enum>
struct EnumNames;

template <>
struct EnumNames<ListenerProtocol> {
    static constexpr std::array<std::string_view, 4> kNames{"http", "tcp", "https", "tls"};
};

template <>
struct EnumNames<PathType> {
    static constexpr std::array<std::string_view, 3> kNames{"exact", "prefix", "rawPrefix"};
};

template <>
struct EnumNames<BalanceAlgorithm> {
    static constexpr std::array<std::string_view, 4> kNames{"roundRobin", "leastRequest",
                                                            "consistentHash", "ewma"};
};

template <>
struct EnumNames<HashOn> {
    static constexpr std::array<std::string_view, 3> kNames{"clientAddress", "path", "header"};
};

template <>
struct EnumNames<BackendProtocol> {
    static constexpr std::array<std::string_view, 4> kNames{"http", "https", "h2c", "h2"};
};

template <>
struct EnumNames<HealthCheckType> {
    static constexpr std::array<std::string_view, 5> kNames{"none", "tcp", "http", "tls", "grpc"};
};

template <>
struct EnumNames<ProxyProtocol> {
    static constexpr std::array<std::string_view, 3> kNames{"none", "v1", "v2"};
};

template <>
struct EnumNames<ClientCertificates> {
    static constexpr std::array<std::string_view, 3> kNames{"off", "optional", "required"};
};

template <>
struct EnumNames<TlsPolicy> {
    static constexpr std::array<std::string_view, 3> kNames{"intermediate", "modern", "old"};
};

template <>
struct EnumNames<HeaderUnderscores> {
    static constexpr std::array<std::string_view, 3> kNames{"allow", "remove", "refuse"};
};

template <>
struct EnumNames<ClientAddressHeader> {
    static constexpr std::array<std::string_view, 2> kNames{"xForwardedFor", "forwarded"};
};

// Was a bool once: off and on still are, so that older builds and stored values mean the same.
template <>
struct EnumNames<ClientHttp2> {
    static constexpr std::string_view kOnly = "only";
};

template <>
struct Fields<Listener> {
    static void each(auto&& visit) {
        visit("address", &Listener::address);
        visit("port", &Listener::port);
        visit("protocol", &Listener::protocol);
        visit("backend", &Listener::backend);
        visit("restrictSources", &Listener::restrictSources);
        visit("allowSources", &Listener::allowSources);
        visit("maxConnections", &Listener::maxConnections);
        visit("proxyProtocolFrom", &Listener::proxyProtocolFrom);
    }
};

template <>
struct Fields<Certificate> {
    static void each(auto&& visit) {
        visit("hosts", &Certificate::hosts);
        visit("chain", &Certificate::chain);
        visit("key", &Certificate::key);
        visit("origin", &Certificate::origin);
        visit("clients", &Certificate::clients);
    }
};

template <>
struct Fields<ClientVerification> {
    static void each(auto&& visit) {
        visit("mode", &ClientVerification::mode);
        visit("authorities", &ClientVerification::authorities);
        visit("depth", &ClientVerification::depth);
        visit("revocations", &ClientVerification::revocations);
    }
};

template <>
struct Fields<HeaderField> {
    static void each(auto&& visit) {
        visit("name", &HeaderField::name);
        visit("value", &HeaderField::value);
    }
};

template <>
struct Fields<Route> {
    static void each(auto&& visit) {
        visit("listeners", &Route::listeners);
        visit("host", &Route::host);
        visit("pathType", &Route::pathType);
        visit("path", &Route::path);
        visit("backend", &Route::backend);
        visit("origin", &Route::origin);
        visit("rewritePrefix", &Route::rewritePrefix);
        visit("requestHeadersSet", &Route::requestHeadersSet);
        visit("requestHeadersRemove", &Route::requestHeadersRemove);
        visit("responseHeadersSet", &Route::responseHeadersSet);
        visit("responseHeadersRemove", &Route::responseHeadersRemove);
        visit("redirectToHttps", &Route::redirectToHttps);
        visit("redirectPort", &Route::redirectPort);
        visit("restrictSources", &Route::restrictSources);
        visit("allowSources", &Route::allowSources);
        visit("maxBodyBytes", &Route::maxBodyBytes);
        visit("passthrough", &Route::passthrough);
        visit("clientCertificates", &Route::clientCertificates);
        visit("clientCertificateHeaders", &Route::clientCertificateHeaders);
        visit("compress", &Route::compress);
        visit("compressTypes", &Route::compressTypes);
        visit("compressMinBytes", &Route::compressMinBytes);
        visit("grpcWeb", &Route::grpcWeb);
    }
};

template <>
struct Fields<Backend> {
    static void each(auto&& visit) {
        visit("balance", &Backend::balance);
        visit("hashOn", &Backend::hashOn);
        visit("hashHeader", &Backend::hashHeader);
        visit("connectTimeoutMs", &Backend::connectTimeout);
        visit("responseTimeoutMs", &Backend::responseTimeout);
        visit("inactivityTimeoutMs", &Backend::inactivityTimeout);
        visit("retries", &Backend::retries);
        visit("queueTimeoutMs", &Backend::queueTimeout);
        visit("maxConnections", &Backend::maxConnections);
        visit("maxPending", &Backend::maxPending);
        visit("affinityCookie", &Backend::affinityCookie);
        visit("protocol", &Backend::protocol);
        visit("tlsVerify", &Backend::tlsVerify);
        visit("tlsServerName", &Backend::tlsServerName);
        visit("tlsAuthorities", &Backend::tlsAuthorities);
        visit("healthCheck", &Backend::healthCheck);
        visit("outlier", &Backend::outlier);
        visit("panicPercent", &Backend::panicPercent);
        visit("slowStartMs", &Backend::slowStart);
        visit("hashLoadPercent", &Backend::hashLoadPercent);
        visit("retryStatuses", &Backend::retryStatuses);
        visit("perTryTimeoutMs", &Backend::perTryTimeout);
        visit("retryBudgetPercent", &Backend::retryBudgetPercent);
        visit("hedgeConnectMs", &Backend::hedgeConnect);
        visit("abortOnClientClose", &Backend::abortOnClientClose);
        visit("proxyProtocol", &Backend::proxyProtocol);
        visit("tlsCertificate", &Backend::tlsCertificate);
    }
};

template <>
struct Fields<OutlierDetection> {
    static void each(auto&& visit) {
        visit("consecutiveFailures", &OutlierDetection::consecutiveFailures);
        visit("failurePercent", &OutlierDetection::failurePercent);
        visit("latencyPercent", &OutlierDetection::latencyPercent);
        visit("minimumRequests", &OutlierDetection::minimumRequests);
        visit("intervalMs", &OutlierDetection::interval);
        visit("ejectionTimeMs", &OutlierDetection::ejectionTime);
        visit("maxEjectedPercent", &OutlierDetection::maxEjectedPercent);
    }
};

template <>
struct Fields<HealthCheck> {
    static void each(auto&& visit) {
        visit("type", &HealthCheck::type);
        visit("path", &HealthCheck::path);
        visit("host", &HealthCheck::host);
        visit("port", &HealthCheck::port);
        visit("intervalMs", &HealthCheck::interval);
        visit("timeoutMs", &HealthCheck::timeout);
        visit("healthyThreshold", &HealthCheck::healthyThreshold);
        visit("unhealthyThreshold", &HealthCheck::unhealthyThreshold);
        visit("statusLow", &HealthCheck::statusLow);
        visit("statusHigh", &HealthCheck::statusHigh);
        visit("grpcService", &HealthCheck::grpcService);
    }
};

template <>
struct Fields<Endpoint> {
    static void each(auto&& visit) {
        visit("address", &Endpoint::address);
        visit("port", &Endpoint::port);
        visit("weight", &Endpoint::weight);
    }
};

template <>
struct Fields<Endpoints> {
    static void each(auto&& visit) { visit("endpoints", &Endpoints::endpoints); }
};

template <>
struct Fields<Settings> {
    static void each(auto&& visit) {
        visit("headTimeoutMs", &Settings::headTimeout);
        visit("keepAliveTimeoutMs", &Settings::keepAliveTimeout);
        visit("bodyTimeoutMs", &Settings::bodyTimeout);
        visit("writeTimeoutMs", &Settings::writeTimeout);
        visit("tunnelTimeoutMs", &Settings::tunnelTimeout);
        visit("upstreamIdleTimeoutMs", &Settings::upstreamIdleTimeout);
        visit("maxHeadBytes", &Settings::maxHeadBytes);
        visit("maxHeaders", &Settings::maxHeaders);
        visit("defaultCertificate", &Settings::defaultCertificate);
        visit("handshakeTimeoutMs", &Settings::handshakeTimeout);
        visit("halfCloseTimeoutMs", &Settings::halfCloseTimeout);
        visit("minimumBodyRate", &Settings::minimumBodyRate);
        visit("maxInterimResponses", &Settings::maxInterimResponses);
        visit("headerUnderscores", &Settings::headerUnderscores);
        visit("via", &Settings::via);
        visit("serverName", &Settings::serverName);
        visit("trustedProxies", &Settings::trustedProxies);
        visit("clientAddressHeader", &Settings::clientAddressHeader);
        visit("maxConnectionsPerClient", &Settings::maxConnectionsPerClient);
        visit("tlsPolicy", &Settings::tlsPolicy);
        visit("http2", &Settings::http2);
        visit("http2MaxStreams", &Settings::http2MaxStreams);
    }
};

}  // namespace evergate::model
