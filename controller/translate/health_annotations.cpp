// SPDX-License-Identifier: Apache-2.0
// Which endpoints of a Service get traffic: active and passive checks, and what becomes of those
// that come back. Whose word counts is as in backend_annotations.cpp.
#include <algorithm>
#include <array>

#include "common/model/validation.hpp"
#include "controller/translate/annotation_table.hpp"
#include "controller/translate/backend_reference.hpp"

namespace evergate::controller {
namespace {

using model::Backend;
using model::HealthCheckType;

constexpr auto kBoth = AnnotationScope::both;

Complaint healthCheck(std::string_view text, Backend& backend) {
    constexpr std::array<std::pair<std::string_view, HealthCheckType>, 5> kTypes{
        {{"none", HealthCheckType::none},
         {"tcp", HealthCheckType::tcp},
         {"tls", HealthCheckType::tls},
         {"http", HealthCheckType::http},
         {"grpc", HealthCheckType::grpc}}};
    for (const auto& [name, type] : kTypes) {
        if (name == text) {
            backend.healthCheck.type = type;
            return {};
        }
    }
    return "must be none, tcp, tls, http or grpc";
}

Complaint healthCheckPort(std::string_view text, Backend& backend) {
    const auto port = parsePort(text);
    if (const auto* error = std::get_if<SyntaxError>(&port)) {
        return error->what;
    }
    backend.healthCheck.port = std::get<std::uint16_t>(port);
    return {};
}

// A full name of protobuf: identifiers with dots between; some servers give others with '-' or '/'.
Complaint grpcService(std::string_view text, Backend& backend) {
    const auto good = [](char c) { return c > ' ' && c < 0x7f; };
    if (text.empty() || text.size() > model::kMaxGrpcService ||
        !std::all_of(text.begin(), text.end(), good)) {
        return "must be the name of a gRPC service, without blanks: shop.v1.Cart";
    }
    backend.healthCheck.grpcService = text;
    return {};
}

template <std::chrono::milliseconds model::HealthCheck::*Member>
Complaint checkDuration(std::string_view text, Backend& backend) {
    return readDuration(text, backend.healthCheck.*Member);
}

template <std::uint32_t model::HealthCheck::*Member>
Complaint checkCount(std::string_view text, Backend& backend) {
    return readCount(text, backend.healthCheck.*Member);
}

template <std::chrono::milliseconds model::OutlierDetection::*Member>
Complaint outlierDuration(std::string_view text, Backend& backend) {
    return readDuration(text, backend.outlier.*Member);
}

template <std::uint32_t model::OutlierDetection::*Member>
Complaint outlierCount(std::string_view text, Backend& backend) {
    return readCount(text, backend.outlier.*Member);
}

template <std::uint32_t model::OutlierDetection::*Member>
Complaint outlierPercent(std::string_view text, Backend& backend) {
    return readPercent(text, backend.outlier.*Member);
}

constexpr std::array kRows = {
    AnnotationRow{annotation::kHealthCheck, kBoth, "`none`, `tcp`, `tls`, `http`, `grpc`", "",
                  "Checks every endpoint at intervals and leaves out those that fail: a connect "
                  "(`tcp`), a TLS handshake (`tls`), a GET (`http`) or `grpc.health.v1.Health/"
                  "Check` (`grpc`). Without it: `grpc` when `health-check-grpc-service` is given, "
                  "`http` when `health-check-path`, `-host` or `-status` is, else `none`.",
                  "tcp", "", healthCheck},
    AnnotationRow{"evergate.io/health-check-path", kBoth, "a path, with a query if need be", "/",
                  "What an `http` check asks for.", "/healthz", "",
                  [](std::string_view text, Backend& backend) {
                      backend.healthCheck.path = text;
                      return Complaint{};
                  },
                  nullptr, AnnotationNeeds::httpHealthCheck},
    AnnotationRow{
        "evergate.io/health-check-host", kBoth, "a host name or address", "",
        "What checks call the endpoint, instead of its address: `Host` of `http`, the authority of "
        "`grpc`, and its name in TLS unless there is a `backend-tls-server-name`.",
        "shop.example.com", "",
        [](std::string_view text, Backend& backend) {
            backend.healthCheck.host = text;
            return text.empty() ? Complaint("must be a host") : Complaint();
        },
        nullptr, AnnotationNeeds::checkByName},
    AnnotationRow{"evergate.io/health-check-status", kBoth, "a status or a range of them",
                  "200-399", "Answers of an `http` check that are good.", "200-299", "",
                  [](std::string_view text, Backend& backend) {
                      return readStatusRange(text, backend.healthCheck.statusLow,
                                             backend.healthCheck.statusHigh);
                  },
                  nullptr, AnnotationNeeds::httpHealthCheck},
    AnnotationRow{"evergate.io/health-check-grpc-service", kBoth, "a name like `shop.v1.Cart`", "",
                  "Service a `grpc` check asks for, instead of the server as a whole.",
                  "shop.v1.Cart", "", grpcService, nullptr, AnnotationNeeds::grpcHealthCheck},
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
    AnnotationRow{"evergate.io/outlier-consecutive-failures", kBoth, "a number; 0 is off", "0",
                  "So many requests in a row that failed (no connection, a reset, a timeout, a 5xx "
                  "answer) take an endpoint out for a while.",
                  "5", "", outlierCount<&model::OutlierDetection::consecutiveFailures>},
    AnnotationRow{"evergate.io/outlier-failure-percent", kBoth, "percent, 1 to 100; 0 is off", "0",
                  "Takes an endpoint out that failed this share of an interval's requests.", "50",
                  "", outlierPercent<&model::OutlierDetection::failurePercent>},
    AnnotationRow{"evergate.io/outlier-latency-percent", kBoth, "percent, 101 to 10000; 0 is off",
                  "0",
                  "Takes an endpoint out whose mean latency in an interval is above this share of "
                  "the median endpoint's.",
                  "300", "", outlierPercent<&model::OutlierDetection::latencyPercent>},
    AnnotationRow{"evergate.io/outlier-minimum-requests", kBoth, "1 to 1000000", "20",
                  "Endpoints with fewer requests in an interval are not judged by percentages.",
                  "100", "", outlierCount<&model::OutlierDetection::minimumRequests>, nullptr,
                  AnnotationNeeds::outlier},
    AnnotationRow{"evergate.io/outlier-interval", kBoth, "a duration, 100ms to 24h", "10s",
                  "How long requests are counted before percentages are looked at.", "30s", "",
                  outlierDuration<&model::OutlierDetection::interval>, nullptr,
                  AnnotationNeeds::outlier},
    AnnotationRow{
        "evergate.io/outlier-ejection-time", kBoth, "a duration up to 24h", "30s",
        "How long an endpoint is out, times the number of its ejections in a row; together at "
        "most 5m, or once this time.",
        "10s", "", outlierDuration<&model::OutlierDetection::ejectionTime>, nullptr,
        AnnotationNeeds::outlier},
    AnnotationRow{"evergate.io/outlier-max-ejected-percent", kBoth, "percent, 0 to 100", "50",
                  "Of a backend's endpoints, no more are out at once; one always may be.", "30", "",
                  outlierPercent<&model::OutlierDetection::maxEjectedPercent>, nullptr,
                  AnnotationNeeds::outlier},
    AnnotationRow{"evergate.io/panic-threshold", kBoth, "percent, 0 to 100", "0",
                  "When fewer endpoints than this share are usable, checks are not believed and "
                  "all are used. 0: when none is left.",
                  "30", "",
                  [](std::string_view text, Backend& backend) {
                      return readPercent(text, backend.panicPercent);
                  }},
    AnnotationRow{"evergate.io/slow-start", kBoth, "a duration up to 24h; `0s` is off", "0s",
                  "An endpoint that is new or back gets its full share of requests after this "
                  "time, and little at first.",
                  "30s", "",
                  [](std::string_view text, Backend& backend) {
                      return readDuration(text, backend.slowStart);
                  }},
};

}  // namespace

std::span<const AnnotationRow> healthAnnotations() noexcept {
    return kRows;
}

}  // namespace evergate::controller
