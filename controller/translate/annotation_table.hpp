// SPDX-License-Identifier: Apache-2.0
// The one table of the evergate.io/* annotations: what translation acts on and docs/annotations.md
// are both made from it. Pure.
//
// An annotation exists exactly if it has a row. A value is parsed whole and strictly.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/translate/annotation_syntax.hpp"
#include "controller/translate/route_table.hpp"

namespace evergate::controller {

namespace annotation {
inline constexpr std::string_view kPrefix = "evergate.io/";
inline constexpr std::string_view kBackendTlsCa = "evergate.io/backend-tls-ca";
inline constexpr std::string_view kBackendTlsSecret = "evergate.io/backend-tls-secret";
inline constexpr std::string_view kBackendTlsVerify = "evergate.io/backend-tls-verify";
inline constexpr std::string_view kClientCa = "evergate.io/client-ca";
inline constexpr std::string_view kClientCertificateHeaders =
    "evergate.io/client-certificate-headers";
inline constexpr std::string_view kClientCertificates = "evergate.io/client-certificates";
inline constexpr std::string_view kClientVerifyDepth = "evergate.io/client-verify-depth";
inline constexpr std::string_view kHealthCheck = "evergate.io/health-check";
inline constexpr std::string_view kSslPassthrough = "evergate.io/ssl-passthrough";
inline constexpr std::string_view kSslRedirect = "evergate.io/ssl-redirect";
inline constexpr std::string_view kTcpPort = "evergate.io/tcp-port";
inline constexpr std::string_view kTcpServicePort = "evergate.io/tcp-service-port";
inline constexpr std::string_view kTcpTls = "evergate.io/tcp-tls";
inline constexpr std::string_view kHttpPort = "evergate.io/http-port";
inline constexpr std::string_view kHttpServicePort = "evergate.io/http-service-port";
}  // namespace annotation

enum class AnnotationScope : std::uint8_t { service, ingress, both };

// What else has to be so for an annotation to have an effect.
enum class AnnotationNeeds : std::uint8_t {
    nothing,
    healthCheck,
    httpHealthCheck,
    grpcHealthCheck,
    checkByName,  // one that calls the endpoint something
    https,
    hash,     // load-balance: hash...
    outlier,  // one of the triggers of passive checks
    retries,  // more than 0
};

using ApplyToBackend = Complaint (*)(std::string_view value, model::Backend& backend);
using ApplyToRoute = Complaint (*)(std::string_view value, RouteClaim& claim);

struct AnnotationRow {
    std::string_view name;
    AnnotationScope scope = AnnotationScope::both;
    std::string_view syntax;
    std::string_view otherwise;  // the default, as it would be written; empty: off
    std::string_view effect;
    std::string_view example;
    std::string_view nginx;            // what ingress-nginx has for it; empty: nothing
    ApplyToBackend backend = nullptr;  // at most one of these two; neither: opens a listener
    ApplyToRoute route = nullptr;
    AnnotationNeeds needs = AnnotationNeeds::nothing;
    // Where a wrong value must not open anything: it counts all the same, and this becomes of it.
    // Empty: a wrong value is ignored.
    std::string_view closed{};
    // The value names an object, and translation takes what that says: two names never mean the
    // same.
    bool namesObject = false;
};

std::span<const AnnotationRow> backendAnnotations() noexcept;
std::span<const AnnotationRow> healthAnnotations() noexcept;  // of backends, too
std::span<const AnnotationRow> routeAnnotations() noexcept;
std::span<const AnnotationRow> clientAnnotations() noexcept;  // of routes, too
std::span<const AnnotationRow> listenerAnnotations() noexcept;
// All of them, in the order of the document.
std::array<std::span<const AnnotationRow>, 5> annotationGroups() noexcept;

const AnnotationRow* findAnnotation(std::string_view name) noexcept;  // null when there is none

// What is wrong with a value, the bounds of the model included. Always empty for those of
// listeners, which mean something only together with their Service.
Complaint check(const AnnotationRow& row, std::string_view value);

// True when both values mean the same to a backend.
bool sameMeaning(const AnnotationRow& row, std::string_view a, std::string_view b);

// docs/annotations.md, whole.
std::string annotationsDocument();

}  // namespace evergate::controller
