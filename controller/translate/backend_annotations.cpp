// SPDX-License-Identifier: Apache-2.0
// How traffic is sent to a Service: the Service's own word counts, else that of an Ingress.
// health_annotations.cpp has those on which endpoints get any.
#include <array>
#include <string_view>
#include <utility>

#include "common/model/syntax.hpp"
#include "controller/objects/objects.hpp"
#include "controller/translate/annotation_table.hpp"

namespace evergate::controller {
namespace {

using model::Backend;
using model::BalanceAlgorithm;
using model::HashOn;

constexpr auto kBoth = AnnotationScope::both;
constexpr std::string_view kDuration = "a duration up to 24h: `250ms`, `30s`, `2m`, `1h`";
constexpr std::string_view kOptional = "a duration up to 24h; `0s` is off";
constexpr std::string_view kDefaultCookie = "evergate-affinity";

Complaint setBalance(Backend& backend, BalanceAlgorithm balance, HashOn on, std::string header) {
    backend.balance = balance;
    backend.hashOn = on;
    backend.hashHeader = std::move(header);
    return {};
}

Complaint loadBalance(std::string_view text, Backend& backend) {
    constexpr std::string_view kHeader = "hash:header:";
    if (text == "round-robin") {
        return setBalance(backend, BalanceAlgorithm::roundRobin, HashOn::clientAddress, {});
    }
    if (text == "least-request") {
        return setBalance(backend, BalanceAlgorithm::leastRequest, HashOn::clientAddress, {});
    }
    if (text == "ewma") {
        return setBalance(backend, BalanceAlgorithm::ewma, HashOn::clientAddress, {});
    }
    if (text == "hash") {
        return setBalance(backend, BalanceAlgorithm::consistentHash, HashOn::clientAddress, {});
    }
    if (text == "hash:path") {
        return setBalance(backend, BalanceAlgorithm::consistentHash, HashOn::path, {});
    }
    if (!text.starts_with(kHeader)) {
        return "must be round-robin, least-request, ewma, hash, hash:path or hash:header:NAME";
    }
    std::string name = model::lowerCase(text.substr(kHeader.size()));
    if (!model::isLowerCaseToken(name)) {
        return "hash:header: must be followed by a header name";
    }
    return setBalance(backend, BalanceAlgorithm::consistentHash, HashOn::header, std::move(name));
}

Complaint affinity(std::string_view text, Backend& backend) {
    constexpr std::string_view kCookie = "cookie:";
    if (text == "none") {
        backend.affinityCookie.clear();
    } else if (text == "cookie") {
        backend.affinityCookie = kDefaultCookie;
    } else if (text.starts_with(kCookie) && text.size() > kCookie.size()) {
        backend.affinityCookie = text.substr(kCookie.size());
    } else {
        return "must be none, cookie or cookie:NAME";
    }
    return {};
}

template <std::chrono::milliseconds Backend::*Member>
Complaint duration(std::string_view text, Backend& backend) {
    return readDuration(text, backend.*Member);
}

template <std::uint32_t Backend::*Member>
Complaint percent(std::string_view text, Backend& backend) {
    return readPercent(text, backend.*Member);
}

template <std::uint32_t Backend::*Member>
Complaint count(std::string_view text, Backend& backend) {
    return readCount(text, backend.*Member);
}

Complaint protocol(std::string_view text, Backend& backend) {
    using enum model::BackendProtocol;
    static constexpr std::array<std::pair<std::string_view, model::BackendProtocol>, 6> kWords{
        {{"http", http}, {"https", https}, {"h2c", h2c}, {"h2", h2}, {"grpc", h2c}, {"grpcs", h2}}};
    for (const auto& [word, protocol] : kWords) {
        if (text == word) {
            backend.protocol = protocol;
            return {};
        }
    }
    return "must be http, https, h2c, h2, grpc or grpcs";
}

Complaint serverName(std::string_view text, Backend& backend) {
    std::string name = model::lowerCase(text);
    if (!model::isHostName(name, false)) {
        return "must be a host name";
    }
    backend.tlsServerName = std::move(name);
    return {};
}

// Verification is meant even where the name is wrong: nothing is trusted then.
Complaint authority(std::string_view text, Backend& backend) {
    backend.tlsVerify = true;
    return isObjectName(text) ? Complaint() : "must be the name of a Secret";
}

Complaint shownSecret(std::string_view text, Backend& backend) {
    if (!isObjectName(text)) {
        return "must be the name of a Secret";
    }
    backend.tlsCertificate = text;
    return {};
}

Complaint proxyProtocol(std::string_view text, Backend& backend) {
    if (text == "none") {
        backend.proxyProtocol = model::ProxyProtocol::none;
    } else if (text == "v1") {
        backend.proxyProtocol = model::ProxyProtocol::v1;
    } else if (text == "v2") {
        backend.proxyProtocol = model::ProxyProtocol::v2;
    } else {
        return "must be none, v1 or v2";
    }
    return {};
}

constexpr std::array kRows = {
    AnnotationRow{
        "evergate.io/load-balance", kBoth,
        "`round-robin`, `least-request`, `ewma`, `hash` (client address), `hash:path`, "
        "`hash:header:NAME`",
        "round-robin",
        "How an endpoint is chosen. `least-request`: the less busy of two random ones; `ewma`: of "
        "two random ones that with the lower latency lately times its load.",
        "least-request", "`load-balance`, `upstream-hash-by`", loadBalance},
    AnnotationRow{"evergate.io/hash-load-bound", kBoth, "percent, 101 to 10000; 0 is no bound", "0",
                  "With `hash`: an endpoint whose load is above this share of the mean is passed "
                  "over for the next.",
                  "125", "", percent<&Backend::hashLoadPercent>, nullptr, AnnotationNeeds::hash},
    AnnotationRow{
        "evergate.io/affinity", kBoth, "`none`, `cookie`, `cookie:NAME`", "none",
        "Keeps a client on its endpoint by a cookie, named `evergate-affinity` unless said "
        "otherwise. When that endpoint is gone, another is chosen.",
        "cookie:SHOPID", "`affinity`, `session-cookie-name`", affinity},
    AnnotationRow{"evergate.io/timeout-connect", kBoth, kDuration, "5s",
                  "Connecting to one endpoint, TLS included.", "2s", "`proxy-connect-timeout`",
                  duration<&Backend::connectTimeout>},
    AnnotationRow{"evergate.io/timeout-request", kBoth, kDuration, "60s",
                  "From the last byte of the request to the first of the response; above: 504.",
                  "5m", "`proxy-read-timeout`", duration<&Backend::responseTimeout>},
    AnnotationRow{"evergate.io/timeout-idle", kBoth, kDuration, "60s",
                  "Between two pieces of a body, in either direction.", "10m",
                  "`proxy-read-timeout`, `proxy-send-timeout`",
                  duration<&Backend::inactivityTimeout>},
    AnnotationRow{"evergate.io/timeout-queue", kBoth, kDuration, "5s",
                  "Waiting for a turn under `max-connections`; above: 503.", "500ms", "",
                  duration<&Backend::queueTimeout>},
    AnnotationRow{"evergate.io/retries", kBoth, "0 to 10", "1",
                  "Other endpoints tried when one cannot be reached or fails before it answers, as "
                  "far as repeating the request is safe.",
                  "3", "`proxy-next-upstream-tries` (which counts the first try too)",
                  count<&Backend::retries>},
    AnnotationRow{"evergate.io/retry-on", kBoth, "statuses from 500 to 599", "",
                  "Answers that are tried again on another endpoint, where repeating the request "
                  "is safe. Failed connections and resets before an answer always are.",
                  "502,503,504", "`proxy-next-upstream`",
                  [](std::string_view text, Backend& backend) {
                      return readServerErrors(text, backend.retryStatuses);
                  },
                  nullptr, AnnotationNeeds::retries},
    AnnotationRow{"evergate.io/timeout-try", kBoth, kOptional, "0s",
                  "Of `timeout-request`, before another endpoint is tried, where repeating the "
                  "request is safe.",
                  "2s", "`proxy-next-upstream-timeout`", duration<&Backend::perTryTimeout>, nullptr,
                  AnnotationNeeds::retries},
    AnnotationRow{
        "evergate.io/retry-budget", kBoth, "percent, 0 to 100", "20",
        "Retries under way may be this share of the requests under way; three per "
        "worker always may. So retries never multiply the load of a backend that is failing.",
        "10", "", percent<&Backend::retryBudgetPercent>, nullptr, AnnotationNeeds::retries},
    AnnotationRow{"evergate.io/hedge-connect", kBoth, kOptional, "0s",
                  "When an endpoint has not accepted by then, a second one is tried at the same "
                  "time; the first to accept gets the request.",
                  "250ms", "", duration<&Backend::hedgeConnect>},
    AnnotationRow{"evergate.io/abort-on-client-close", kBoth, "`true`, `false`", "true",
                  "When a client leaves, its request is broken off at the endpoint, too. `false`: "
                  "the endpoint may finish it.",
                  "false", "",
                  [](std::string_view text, Backend& backend) {
                      return readFlag(text, backend.abortOnClientClose);
                  }},
    AnnotationRow{"evergate.io/max-connections", kBoth, "a number; 0 is no limit", "0",
                  "Requests at once to one endpoint, per data plane, its workers together. Further "
                  "ones wait.",
                  "100", "", count<&Backend::maxConnections>},
    AnnotationRow{"evergate.io/max-pending", kBoth, "0 to 1000000", "1024",
                  "Requests that wait for their turn, per data plane; above: 503 at once.", "64",
                  "", count<&Backend::maxPending>},
    AnnotationRow{
        "evergate.io/protocol", kBoth, "`http`, `https`, `h2c`, `h2`, `grpc`, `grpcs`", "http",
        "What endpoints speak: HTTP/1.1 (`http`, `https`) or HTTP/2 (`h2c`, `h2`), of "
        "which the second of each is encrypted. `grpc` is `h2c`, `grpcs` is `h2`. Without "
        "it: `h2c` for ports of a Service with `appProtocol: kubernetes.io/h2c`.",
        "grpc", "`backend-protocol`", protocol},
    AnnotationRow{"evergate.io/proxy-protocol", kBoth, "`none`, `v1`, `v2`", "none",
                  "Connections to endpoints begin with a PROXY protocol header that tells the "
                  "client's address.",
                  "v2", "", proxyProtocol},
    AnnotationRow{
        annotation::kBackendTlsVerify, kBoth, "`true`, `false`", "false",
        "Checks the certificate of endpoints, and its name, against the authorities of the "
        "system. Needs `protocol: https` or `h2`.",
        "true", "`proxy-ssl-verify`",
        [](std::string_view text, Backend& backend) { return readFlag(text, backend.tlsVerify); },
        nullptr, AnnotationNeeds::https},
    AnnotationRow{
        annotation::kBackendTlsCa, kBoth, "the name of a Secret", "",
        "Checks the certificate of endpoints, and its name, against the authorities in "
        "`ca.crt` of this Secret of type `kubernetes.io/tls` in the namespace of the "
        "Service. While there are none, no endpoint is trusted. Needs `protocol: https` or `h2`.",
        "internal-ca", "`proxy-ssl-secret`", authority, nullptr, AnnotationNeeds::https,
        "no endpoint is trusted", true},
    AnnotationRow{
        annotation::kBackendTlsSecret,
        kBoth,
        "the name of a Secret",
        "",
        "The certificate that endpoints are shown when they ask for one: a Secret of type "
        "`kubernetes.io/tls` in the namespace of the Service. While it cannot be used, "
        "none is shown. Needs `protocol: https` or `h2`.",
        "our-identity",
        "`proxy-ssl-secret`",
        shownSecret,
        nullptr,
        AnnotationNeeds::https,
        {},
        true},
    AnnotationRow{
        "evergate.io/backend-tls-server-name", kBoth, "a host name", "",
        "Name asked for (SNI) and expected in the certificate, instead of the host of the "
        "request. Needs `protocol: https` or `h2`.",
        "internal.example.com", "`proxy-ssl-name`, `proxy-ssl-server-name`", serverName, nullptr,
        AnnotationNeeds::https},
};

}  // namespace

std::span<const AnnotationRow> backendAnnotations() noexcept {
    return kRows;
}

}  // namespace evergate::controller
