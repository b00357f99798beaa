// SPDX-License-Identifier: Apache-2.0
// How traffic is sent to a Service: the Service's own word counts, else that of an Ingress.
#include <array>

#include "common/model/syntax.hpp"
#include "controller/translate/annotation_table.hpp"
#include "controller/translate/backend_reference.hpp"

namespace evergate::controller {
namespace {

using model::Backend;
using model::BalanceAlgorithm;
using model::HashOn;

constexpr auto kBoth = AnnotationScope::both;
constexpr std::string_view kDuration = "a duration up to 24h: `250ms`, `30s`, `2m`, `1h`";
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
    if (text == "hash") {
        return setBalance(backend, BalanceAlgorithm::consistentHash, HashOn::clientAddress, {});
    }
    if (text == "hash:path") {
        return setBalance(backend, BalanceAlgorithm::consistentHash, HashOn::path, {});
    }
    if (!text.starts_with(kHeader)) {
        return "must be round-robin, least-request, hash, hash:path or hash:header:NAME";
    }
    std::string name = lowerCase(text.substr(kHeader.size()));
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
Complaint count(std::string_view text, Backend& backend) {
    return readCount(text, backend.*Member);
}

template <std::chrono::milliseconds model::HealthCheck::*Member>
Complaint checkDuration(std::string_view text, Backend& backend) {
    return readDuration(text, backend.healthCheck.*Member);
}

template <std::uint32_t model::HealthCheck::*Member>
Complaint checkCount(std::string_view text, Backend& backend) {
    return readCount(text, backend.healthCheck.*Member);
}

Complaint protocol(std::string_view text, Backend& backend) {
    if (text != "http" && text != "https") {
        return "must be http or https";
    }
    backend.protocol =
        text == "https" ? model::BackendProtocol::https : model::BackendProtocol::http;
    return {};
}

Complaint serverName(std::string_view text, Backend& backend) {
    std::string name = lowerCase(text);
    if (!model::isHostName(name, false)) {
        return "must be a host name";
    }
    backend.tlsServerName = std::move(name);
    return {};
}

Complaint healthCheck(std::string_view text, Backend& backend) {
    if (text == "none") {
        backend.healthCheck.type = model::HealthCheckType::none;
    } else if (text == "tcp") {
        backend.healthCheck.type = model::HealthCheckType::tcp;
    } else if (text == "http") {
        backend.healthCheck.type = model::HealthCheckType::http;
    } else {
        return "must be none, tcp or http";
    }
    return {};
}

Complaint healthCheckPort(std::string_view text, Backend& backend) {
    const auto port = parsePort(text);
    if (const auto* error = std::get_if<SyntaxError>(&port)) {
        return error->what;
    }
    backend.healthCheck.port = std::get<std::uint16_t>(port);
    return {};
}

constexpr std::array kRows = {
    AnnotationRow{
        "evergate.io/load-balance", kBoth,
        "`round-robin`, `least-request`, `hash` (client address), `hash:path`, `hash:header:NAME`",
        "round-robin", "How an endpoint is chosen.", "least-request",
        "`load-balance`, `upstream-hash-by`", loadBalance},
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
    AnnotationRow{"evergate.io/max-connections", kBoth, "a number; 0 is no limit", "0",
                  "Requests at once to one endpoint, per data plane, its workers together. Further "
                  "ones wait.",
                  "100", "", count<&Backend::maxConnections>},
    AnnotationRow{"evergate.io/max-pending", kBoth, "0 to 1000000", "1024",
                  "Requests that wait for their turn, per data plane; above: 503 at once.", "64",
                  "", count<&Backend::maxPending>},
    AnnotationRow{"evergate.io/protocol", kBoth, "`http`, `https`", "http",
                  "What endpoints speak. With `https` the connection to them is encrypted.",
                  "https", "`backend-protocol`", protocol},
    AnnotationRow{
        "evergate.io/backend-tls-verify", kBoth, "`true`, `false`", "false",
        "Checks the certificate of endpoints, and its name, against the authorities of the "
        "system. Needs `protocol: https`.",
        "true", "`proxy-ssl-verify`",
        [](std::string_view text, Backend& backend) { return readFlag(text, backend.tlsVerify); },
        nullptr, AnnotationNeeds::https},
    AnnotationRow{
        "evergate.io/backend-tls-server-name", kBoth, "a host name", "",
        "Name asked for (SNI) and expected in the certificate, instead of the host of the "
        "request. Needs `protocol: https`.",
        "internal.example.com", "`proxy-ssl-name`, `proxy-ssl-server-name`", serverName, nullptr,
        AnnotationNeeds::https},
    AnnotationRow{annotation::kHealthCheck, kBoth, "`none`, `tcp`, `http`", "",
                  "Checks every endpoint at intervals and leaves out those that fail. Without it: "
                  "`http` when `health-check-path`, `-host` or `-status` is given, else `none`.",
                  "tcp", "", healthCheck},
    AnnotationRow{"evergate.io/health-check-path", kBoth, "a path, with a query if need be", "/",
                  "What an `http` check asks for.", "/healthz", "",
                  [](std::string_view text, Backend& backend) {
                      backend.healthCheck.path = text;
                      return Complaint{};
                  },
                  nullptr, AnnotationNeeds::httpHealthCheck},
    AnnotationRow{"evergate.io/health-check-host", kBoth, "a host name or address", "",
                  "`Host` of an `http` check, instead of the endpoint's address.",
                  "shop.example.com", "",
                  [](std::string_view text, Backend& backend) {
                      backend.healthCheck.host = text;
                      return text.empty() ? Complaint("must be a host") : Complaint();
                  },
                  nullptr, AnnotationNeeds::httpHealthCheck},
    AnnotationRow{"evergate.io/health-check-status", kBoth, "a status or a range of them",
                  "200-399", "Answers of an `http` check that are good.", "200-299", "",
                  [](std::string_view text, Backend& backend) {
                      return readStatusRange(text, backend.healthCheck.statusLow,
                                             backend.healthCheck.statusHigh);
                  },
                  nullptr, AnnotationNeeds::httpHealthCheck},
    AnnotationRow{"evergate.io/health-check-port", kBoth, "1 to 65535", "",
                  "Port of checks, instead of the endpoint's own.", "8081", "", healthCheckPort,
                  nullptr, AnnotationNeeds::healthCheck},
    AnnotationRow{"evergate.io/health-check-interval", kBoth, "a duration, 100ms to 24h", "5s",
                  "Time between two checks of an endpoint.", "2s", "",
                  checkDuration<&model::HealthCheck::interval>, nullptr,
                  AnnotationNeeds::healthCheck},
    AnnotationRow{"evergate.io/health-check-timeout", kBoth, "a duration, 10ms to 10m", "2s",
                  "After which a check has failed.", "500ms", "",
                  checkDuration<&model::HealthCheck::timeout>, nullptr,
                  AnnotationNeeds::healthCheck},
    AnnotationRow{"evergate.io/health-check-healthy-threshold", kBoth, "1 to 100", "2",
                  "Good checks in a row that bring an endpoint back.", "1", "",
                  checkCount<&model::HealthCheck::healthyThreshold>, nullptr,
                  AnnotationNeeds::healthCheck},
    AnnotationRow{"evergate.io/health-check-unhealthy-threshold", kBoth, "1 to 100", "3",
                  "Bad checks in a row that take an endpoint out.", "2", "",
                  checkCount<&model::HealthCheck::unhealthyThreshold>, nullptr,
                  AnnotationNeeds::healthCheck},
};

}  // namespace

std::span<const AnnotationRow> backendAnnotations() noexcept {
    return kRows;
}

}  // namespace evergate::controller
