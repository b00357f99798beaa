// SPDX-License-Identifier: Apache-2.0
#include "common/model/validation.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/model/json.hpp"
#include "common/model/network.hpp"
#include "common/model/syntax.hpp"

namespace evergate::model {
namespace {

constexpr std::chrono::milliseconds kMaxTimeout = std::chrono::hours(24);
constexpr std::size_t kMaxListeners = 64;
constexpr std::size_t kMaxHosts = 256;
constexpr std::size_t kMaxOriginBytes = 1024;
constexpr std::uint32_t kMaxRetries = 10;
constexpr std::uint32_t kMaxWeight = 1000;
constexpr std::size_t kMaxHeaderEdits = 64;
// Of all fields a route sets in one direction: they have to fit in front of what they go with.
constexpr std::size_t kMaxHeaderEditBytes = 8192;
constexpr std::uint32_t kMaxPending = 1'000'000;
constexpr std::uint32_t kMaxThreshold = 100;
constexpr std::chrono::milliseconds kMinCheckInterval{100};
constexpr std::chrono::milliseconds kMinCheckTimeout{10};
constexpr std::chrono::milliseconds kMaxCheckTimeout = std::chrono::minutes(10);
constexpr std::size_t kMaxCookieName = 128;
constexpr std::uint32_t kMaxInterims = 100;
constexpr std::uint32_t kMaxStreams = 1'000;
constexpr std::uint32_t kMaxVerifyDepth = 10;
constexpr std::size_t kMaxMediaType = 127;
constexpr std::size_t kMaxMediaTypes = 64;
constexpr std::uint32_t kMaxPercent = 10'000;
constexpr std::size_t kMaxRetryStatuses = 16;
// A list of 20,000 bad endpoints is one mistake, not 20,000.
constexpr std::size_t kMaxProblems = 16;

// Collects the problems of one value.
class Check {
public:
    explicit Check(const Key& key) : where_(toText(key)) {}

    bool full() const noexcept { return problems_.size() >= kMaxProblems; }

    void require(bool good, std::string_view field, std::string_view what) {
        if (!good && !full()) {
            std::string where = where_;
            if (!field.empty()) {
                where.append(1, '.').append(field);
            }
            problems_.push_back({std::move(where), std::string(what)});
        }
    }

    void timeout(std::chrono::milliseconds value, std::string_view field) {
        require(value.count() > 0 && value <= kMaxTimeout, field, "must be over 0 and at most 24h");
    }

    void port(std::uint16_t value, std::string_view field) {
        require(value != 0, field, "must be 1..65535");
    }

    void range(std::uint32_t value, std::uint32_t low, std::uint32_t high, std::string_view field) {
        require(value >= low && value <= high, field,
                "must be " + std::to_string(low) + ".." + std::to_string(high));
    }

    std::vector<Problem> take() && { return std::move(problems_); }

private:
    std::string where_;
    std::vector<Problem> problems_;
};

// RFC 6265 §4.1.1: a token. The names that oblige browsers to more than we promise are left out.
bool isCookieName(std::string_view name) noexcept {
    const auto token = [](char c) {
        return c > ' ' && c < 0x7f &&
               std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
    };
    return !name.empty() && name.size() <= kMaxCookieName && !name.starts_with("__") &&
           std::all_of(name.begin(), name.end(), token);
}

// Whether there is a block of that label in it, no bytes that PEM cannot have, and an end. What is
// in the block is for the one who loads it to say.
bool isPem(std::string_view text, std::string_view label, std::size_t most = kMaxPemBytes) {
    const std::string end = std::string(label) + "-----";
    const std::size_t begin = text.find("-----BEGIN ");
    const std::size_t first = text.find(end);
    return text.size() <= most && begin != std::string_view::npos &&
           first != std::string_view::npos && first > begin &&
           text.find(end, first + end.size()) != std::string_view::npos &&
           text.find('\0') == std::string_view::npos;
}

constexpr std::string_view kNameRule = "must be 1..1000 printable ASCII characters without spaces";

void checkNetworks(const std::vector<std::string>& networks, const std::string& field,
                   Check& check) {
    check.require(networks.size() <= kMaxNetworks, field, "has more than 1024 networks");
    for (std::size_t i = 0; i < networks.size() && !check.full(); ++i) {
        check.require(parseNetwork(networks[i]).has_value(), field + "[" + std::to_string(i) + "]",
                      "must be an IP address or a network like 10.0.0.0/8");
    }
}

void checkValue(const Settings& settings, Check& check) {
    check.timeout(settings.headTimeout, "headTimeoutMs");
    check.timeout(settings.keepAliveTimeout, "keepAliveTimeoutMs");
    check.timeout(settings.bodyTimeout, "bodyTimeoutMs");
    check.timeout(settings.writeTimeout, "writeTimeoutMs");
    check.timeout(settings.tunnelTimeout, "tunnelTimeoutMs");
    check.timeout(settings.upstreamIdleTimeout, "upstreamIdleTimeoutMs");
    check.range(settings.maxHeadBytes, 1024, 65'536, "maxHeadBytes");
    check.range(settings.maxHeaders, 8, 1024, "maxHeaders");
    check.require(settings.defaultCertificate.empty() || isName(settings.defaultCertificate),
                  "defaultCertificate", kNameRule);
    check.timeout(settings.handshakeTimeout, "handshakeTimeoutMs");
    check.timeout(settings.halfCloseTimeout, "halfCloseTimeoutMs");
    check.require(settings.maxInterimResponses <= kMaxInterims, "maxInterimResponses",
                  "must be at most 100");
    check.require(settings.headerUnderscores <= HeaderUnderscores::refuse, "headerUnderscores",
                  "unknown value");
    check.require(settings.via.empty() || isLowerCaseToken(settings.via), "via",
                  "must be a token in lower case");
    check.require(isHeaderValue(settings.serverName), "serverName",
                  "must be visible ASCII, spaces and tabs, at most 4096 bytes");
    checkNetworks(settings.trustedProxies, "trustedProxies", check);
    check.require(settings.clientAddressHeader <= ClientAddressHeader::forwarded,
                  "clientAddressHeader", "unknown value");
    check.require(settings.tlsPolicy <= TlsPolicy::old, "tlsPolicy", "unknown value");
    check.require(settings.http2 <= ClientHttp2::only, "http2", "unknown value");
    check.range(settings.http2MaxStreams, 1, kMaxStreams, "http2MaxStreams");
}

// Access lists. A list without the switch would be ignored, which is never what was meant.
void checkSources(bool restrict, const std::vector<std::string>& networks, Check& check) {
    check.require(restrict || networks.empty(), "allowSources", "needs restrictSources");
    checkNetworks(networks, "allowSources", check);
}

void checkHeaderName(const std::string& name, const std::string& field, Check& check) {
    check.require(isLowerCaseToken(name), field, "must be a header name in lower case");
    check.require(isEditableHeader(name), field, "is a header only the proxy itself may write");
}

void checkHeaderEdits(const std::vector<HeaderField>& set, const std::vector<std::string>& remove,
                      const std::string& direction, Check& check) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < set.size() && !check.full(); ++i) {
        const std::string field = direction + "HeadersSet[" + std::to_string(i) + "]";
        checkHeaderName(set[i].name, field + ".name", check);
        check.require(isHeaderValue(set[i].value), field + ".value",
                      "must be visible ASCII, spaces and tabs, at most 4096 bytes");
        bytes += set[i].name.size() + set[i].value.size() + 4;
    }
    for (std::size_t i = 0; i < remove.size() && !check.full(); ++i)
        checkHeaderName(remove[i], direction + "HeadersRemove[" + std::to_string(i) + "]", check);
    check.require(set.size() <= kMaxHeaderEdits && bytes <= kMaxHeaderEditBytes,
                  direction + "HeadersSet", "has more than 64 fields or 8192 bytes");
    check.require(remove.size() <= kMaxHeaderEdits, direction + "HeadersRemove",
                  "has more than 64 names");
}

void checkValue(const Listener& listener, Check& check) {
    check.require(ipFamily(listener.address).has_value(), "address", "must be an IP address");
    check.port(listener.port, "port");
    check.require(listener.protocol <= ListenerProtocol::tls, "protocol", "unknown protocol");
    if (carriesBytes(listener.protocol)) {
        check.require(isName(listener.backend), "backend", kNameRule);
    } else {
        check.require(listener.backend.empty(), "backend", "is for tcp and tls listeners only");
        check.require(!listener.restrictSources, "restrictSources",
                      "is for tcp and tls listeners only");
    }
    checkSources(listener.restrictSources, listener.allowSources, check);
    checkNetworks(listener.proxyProtocolFrom, "proxyProtocolFrom", check);
}

void checkClients(const ClientVerification& clients, Check& check) {
    check.require(clients.mode <= ClientCertificates::required, "clients.mode", "unknown value");
    check.require(clients.authorities.empty() || isPem(clients.authorities, "CERTIFICATE"),
                  "clients.authorities", "must be certificates in PEM");
    check.require(clients.depth <= kMaxVerifyDepth, "clients.depth", "must be at most 10");
    check.require(
        clients.revocations.empty() || isPem(clients.revocations, "X509 CRL", kMaxStringBytes),
        "clients.revocations", "must be lists of revoked certificates in PEM");
}

void checkValue(const Certificate& certificate, Check& check) {
    check.require(certificate.hosts.size() <= kMaxHosts, "hosts", "has more than 256 names");
    for (std::size_t i = 0; i < certificate.hosts.size() && !check.full(); ++i) {
        check.require(isHostName(certificate.hosts[i], true), "hosts[" + std::to_string(i) + "]",
                      "must be a host name in lower case, or '*.' and one");
    }
    check.require(isPem(certificate.chain, "CERTIFICATE"), "chain", "must be certificates in PEM");
    check.require(isPem(certificate.key, "PRIVATE KEY"), "key", "must be a private key in PEM");
    check.require(certificate.origin.size() <= kMaxOriginBytes && isDisplayText(certificate.origin),
                  "origin", "must be at most 1024 bytes of UTF-8 without control characters");
    checkClients(certificate.clients, check);
}

void checkHealth(const HealthCheck& health, Check& check) {
    check.require(health.type <= HealthCheckType::grpc, "healthCheck.type", "unknown type");
    check.require(isPath(health.path) && health.path.find('#') == std::string::npos,
                  "healthCheck.path",
                  "must start with '/', be printable ASCII without spaces and '#' and at most 4096 "
                  "bytes");
    check.require(health.host.empty() || isAuthority(health.host), "healthCheck.host",
                  "must be a host name or IP address, with a port if need be");
    check.require(health.interval >= kMinCheckInterval && health.interval <= kMaxTimeout,
                  "healthCheck.intervalMs", "must be 100ms..24h");
    check.require(health.timeout >= kMinCheckTimeout && health.timeout <= kMaxCheckTimeout,
                  "healthCheck.timeoutMs", "must be 10ms..10m");
    check.range(health.healthyThreshold, 1, kMaxThreshold, "healthCheck.healthyThreshold");
    check.range(health.unhealthyThreshold, 1, kMaxThreshold, "healthCheck.unhealthyThreshold");
    check.require(health.statusLow >= 100 && health.statusLow <= health.statusHigh &&
                      health.statusHigh <= 599,
                  "healthCheck.statusLow", "must be a range within 100..599");
    check.require(health.grpcService.size() <= kMaxGrpcService && isDisplayText(health.grpcService),
                  "healthCheck.grpcService",
                  "must be at most 256 bytes of UTF-8 without control characters");
}

void checkOutlier(const OutlierDetection& outlier, Check& check) {
    check.range(outlier.failurePercent, 0, 100, "outlier.failurePercent");
    check.require(outlier.latencyPercent == 0 ||
                      (outlier.latencyPercent > 100 && outlier.latencyPercent <= kMaxPercent),
                  "outlier.latencyPercent", "must be 0 or 101..10000");
    check.range(outlier.minimumRequests, 1, kMaxPending, "outlier.minimumRequests");
    check.require(outlier.interval >= kMinCheckInterval && outlier.interval <= kMaxTimeout,
                  "outlier.intervalMs", "must be 100ms..24h");
    check.timeout(outlier.ejectionTime, "outlier.ejectionTimeMs");
    check.range(outlier.maxEjectedPercent, 0, 100, "outlier.maxEjectedPercent");
}

// 0 switches these off.
void checkOptional(std::chrono::milliseconds value, std::string_view field, Check& check) {
    check.require(value.count() >= 0 && value <= kMaxTimeout, field, "must be 0 or at most 24h");
}

void checkLoad(const Backend& backend, Check& check) {
    checkOutlier(backend.outlier, check);
    check.range(backend.panicPercent, 0, 100, "panicPercent");
    checkOptional(backend.slowStart, "slowStartMs", check);
    check.require(backend.hashLoadPercent == 0 ||
                      (backend.hashLoadPercent > 100 && backend.hashLoadPercent <= kMaxPercent),
                  "hashLoadPercent", "must be 0 or 101..10000");
    check.require(backend.retryStatuses.size() <= kMaxRetryStatuses &&
                      std::all_of(backend.retryStatuses.begin(), backend.retryStatuses.end(),
                                  [](std::uint16_t each) { return each >= 500 && each <= 599; }),
                  "retryStatuses", "must be at most 16 statuses of 500..599");
    checkOptional(backend.perTryTimeout, "perTryTimeoutMs", check);
    check.range(backend.retryBudgetPercent, 0, 100, "retryBudgetPercent");
    checkOptional(backend.hedgeConnect, "hedgeConnectMs", check);
    check.require(backend.proxyProtocol <= ProxyProtocol::v2, "proxyProtocol", "unknown value");
}

void checkValue(const Backend& backend, Check& check) {
    check.require(backend.balance <= BalanceAlgorithm::ewma, "balance", "unknown algorithm");
    check.require(backend.hashOn <= HashOn::header, "hashOn", "unknown value");
    if (backend.hashOn == HashOn::header) {
        check.require(isLowerCaseToken(backend.hashHeader), "hashHeader",
                      "must be a header name in lower case");
    } else {
        check.require(backend.hashHeader.empty(), "hashHeader", "is for hashOn=header only");
    }
    check.timeout(backend.connectTimeout, "connectTimeoutMs");
    check.timeout(backend.responseTimeout, "responseTimeoutMs");
    check.timeout(backend.inactivityTimeout, "inactivityTimeoutMs");
    check.range(backend.retries, 0, kMaxRetries, "retries");
    check.timeout(backend.queueTimeout, "queueTimeoutMs");
    check.range(backend.maxPending, 0, kMaxPending, "maxPending");
    if (!backend.affinityCookie.empty()) {
        check.require(isCookieName(backend.affinityCookie), "affinityCookie",
                      "must be a cookie name of at most 128 bytes");
    }
    check.require(backend.protocol <= BackendProtocol::h2, "protocol", "unknown protocol");
    check.require(backend.tlsServerName.empty() || isHostName(backend.tlsServerName, false),
                  "tlsServerName", "must be a host name in lower case");
    check.require(backend.tlsAuthorities.empty() || isPem(backend.tlsAuthorities, "CERTIFICATE"),
                  "tlsAuthorities", "must be certificates in PEM");
    check.require(backend.tlsCertificate.empty() || isName(backend.tlsCertificate),
                  "tlsCertificate", kNameRule);
    checkHealth(backend.healthCheck, check);
    checkLoad(backend, check);
}

void checkValue(const Endpoints& value, Check& check) {
    const std::vector<Endpoint>& all = value.endpoints;
    check.require(all.size() <= kMaxEndpointsPerBackend, "endpoints", "too many endpoints");
    for (std::size_t i = 0; i < all.size() && !check.full(); ++i) {
        const Endpoint& each = all[i];
        const bool good = ipFamily(each.address) && !isUnspecifiedAddress(each.address);
        const bool sorted = i == 0 || std::tie(all[i - 1].address, all[i - 1].port) <
                                          std::tie(each.address, each.port);
        if (good && sorted && each.port != 0 && each.weight <= kMaxWeight) {
            continue;
        }
        const std::string path = "endpoints[" + std::to_string(i) + "]";
        check.require(good, path + ".address", "must be an IP address, not the unspecified one");
        check.require(sorted, path, "must sort after the one before it by address and port");
        check.port(each.port, path + ".port");
        check.range(each.weight, 0, kMaxWeight, path + ".weight");
    }
}

// type "/" ( subtype | "*" ), RFC 9110 §8.3.1, in lower case.
bool isMediaType(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    return slash != std::string_view::npos && text.size() <= kMaxMediaType &&
           isLowerCaseToken(text.substr(0, slash)) && isLowerCaseToken(text.substr(slash + 1));
}

void checkCompression(const Route& route, Check& check) {
    std::set<std::string_view> seen;
    for (const std::string& coding : route.compress) {
        const bool known = coding == "gzip" || coding == "br" || coding == "zstd";
        check.require(known && seen.insert(coding).second, "compress",
                      "must be one or more of gzip, br, zstd, none twice");
    }
    check.require(route.compressTypes.size() <= kMaxMediaTypes, "compressTypes",
                  "has more than 64 types");
    for (std::size_t i = 0; i < route.compressTypes.size() && !check.full(); ++i) {
        check.require(isMediaType(route.compressTypes[i]),
                      "compressTypes[" + std::to_string(i) + "]",
                      "must be a media type in lower case: text/html, text/*");
    }
}

void checkValue(const Route& route, Check& check) {
    check.require(!route.listeners.empty() && route.listeners.size() <= kMaxListeners, "listeners",
                  "must name 1..64 listeners");
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < route.listeners.size() && !check.full(); ++i) {
        const std::string path = "listeners[" + std::to_string(i) + "]";
        check.require(isName(route.listeners[i]), path, kNameRule);
        check.require(seen.insert(route.listeners[i]).second, path, "named twice");
    }
    check.require(route.host.empty() || isHostName(route.host, true), "host",
                  "must be a host name in lower case, or '*.' and one");
    check.require(route.pathType <= PathType::rawPrefix, "pathType", "unknown path type");
    check.require(isPath(route.path), "path",
                  "must start with '/', be printable ASCII without spaces and at most 4096 bytes");
    check.require(isName(route.backend), "backend", kNameRule);
    check.require(route.origin.size() <= kMaxOriginBytes && isDisplayText(route.origin), "origin",
                  "must be at most 1024 bytes of UTF-8 without control characters");
    check.require(route.rewritePrefix.empty() || isRewritePrefix(route.rewritePrefix),
                  "rewritePrefix", "must be a path without query, '//' and dot segments");
    checkHeaderEdits(route.requestHeadersSet, route.requestHeadersRemove, "request", check);
    checkHeaderEdits(route.responseHeadersSet, route.responseHeadersRemove, "response", check);
    check.port(route.redirectPort, "redirectPort");
    checkSources(route.restrictSources, route.allowSources, check);
    check.require(!route.passthrough || (!route.host.empty() && route.path == "/"), "passthrough",
                  "needs a host, and the path /");
    check.require(route.clientCertificates <= ClientCertificates::required, "clientCertificates",
                  "unknown value");
    checkCompression(route, check);
}

}  // namespace

std::vector<Problem> validate(const Key& key, const Value& value) {
    Check check(key);
    check.require(isName(key.name), {}, std::string("the name ") + std::string(kNameRule));
    check.require(kindOf(value) == key.kind, {}, "the value is of another kind");
    if (key.kind == Kind::settings) {
        check.require(key.name == "global", {}, "the only settings are settings/global");
    }
    std::visit([&](const auto& each) { checkValue(each, check); }, value);
    return std::move(check).take();
}

}  // namespace evergate::model
