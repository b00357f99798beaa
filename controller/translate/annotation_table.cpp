// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotation_table.hpp"

#include <algorithm>

#include "common/model/validation.hpp"

namespace evergate::controller {
namespace {

constexpr std::string_view kIntroduction =
    R"(# Annotations

<!-- Generated: `evergatectl annotations > docs/annotations.md`. A unit test keeps it current. -->

On Services and Ingresses; changes act at once, on open connections too, and cost no request. A value is
parsed whole and strictly. A wrong one is a *problem*: an Event on that object, a line of `evergatectl problems` and
of `/api/v1/problems`; only that annotation is ignored, the rest of the object counts. So is an `evergate.io/` annotation
that does not exist or stands on the wrong kind of object. `evergatectl validate DIR` says all this beforehand.

    kubectl annotate service shop evergate.io/retries=3 evergate.io/health-check-path=/healthz

The last column names what ingress-nginx has for the same under `nginx.ingress.kubernetes.io/`, as far as it has something.
)";

constexpr std::string_view kBackendIntroduction = R"(
## How traffic is sent to a Service

On the Service, or on an Ingress for every Service it names. The Service's own word counts; else that of the oldest Ingress that
has one, and another Ingress that wants something else for the same port of the Service gets a problem.

)";

constexpr std::string_view kHealthIntroduction = R"(
## Which endpoints get traffic

Where these may stand and whose word counts is as above. `health-check...` are *active* checks: the data plane asks each endpoint at
intervals. `outlier-...` are *passive*: what requests find out about an endpoint takes it out for a while; they are off until one of
`outlier-consecutive-failures`, `outlier-failure-percent` and `outlier-latency-percent` is given. [load-balancing.md](load-balancing.md) tells how they act together.

)";

constexpr std::string_view kRouteIntroduction = R"(
## What happens to requests

On an Ingress for its own routes, or on a Service for the routes that lead to it. The Ingress's word counts; else that of
the Service. Each annotation is decided for itself.

Headers that frame a message, belong to one connection or decide where a request goes cannot be set or removed: `Connection`,
`Content-Length`, `Expect`, `Host`, `HTTP2-Settings`, `Keep-Alive`, `Proxy`, `Proxy-Authenticate`, `Proxy-Authorization`,
`Proxy-Connection`, `TE`, `Trailer`, `Transfer-Encoding`, `Upgrade`. At most 64 headers and 8192 bytes are set in one direction.

)";

constexpr std::string_view kClientIntroduction = R"(
## Which clients are let in by certificate

On Ingresses only, for the hosts of their rules: [tls.md](tls.md#client-certificates) tells how they act together. A handshake knows a host and no path, so
that all Ingresses with a host share its rules: the stricter mode and the smaller depth hold, and the authorities of the oldest Ingress.

)";

constexpr std::string_view kListenerIntroduction = R"(
## Listeners of their own

On Services only. They open on the address of `--http-listen` and come and go while the data plane runs. A port belongs to one listener: the main
ones first, then Evergate's own admin and RPC ports, then the oldest Service; others get a problem. Of the annotations above,
those of the Service count here as well; on a `tcp-port` that is how traffic is sent, and `allow-source-ranges`. Whoever may annotate a Service may open a port:
restrict that with admission rules where it matters.

)";

constexpr std::string_view kForeignIntroduction = R"(
## Annotations of other controllers

Those of ingress-nginx and of HAProxy's controllers (`nginx.ingress.kubernetes.io/`, `haproxy.org/`, `haproxy-ingress.github.io/`, `ingress.kubernetes.io/`) are not
read. An Ingress that Evergate serves, or a Service it leads to, with such annotations gets one problem that names them, and which of ours do the same. The object is
served all the same, **so that what only such an annotation forbids is allowed**. One whose counterpart stands beside it is no problem: both controllers can have
theirs while you move.

Of what ingress-nginx has, these have no counterpart:

- authentication by password or by another service: `auth-type`, `auth-secret`, `auth-url`, `auth-signin`, `satisfy`; client certificates are [above](#which-clients-are-let-in-by-certificate);
- limits of rates: `limit-rps`, `limit-rpm`, `limit-rate`; connections of one client are limited for all hosts together ([limits.md](limits.md));
- `denylist-source-range`; `enable-modsecurity` and the other rules of a web application firewall;
- `canary` and `mirror-target`: shares and copies of traffic;
- `enable-cors`; for one fixed origin `response-headers-set` does it, where the Service answers OPTIONS;
- `permanent-redirect`, `temporal-redirect`, `from-to-www-redirect`, `app-root`: the one redirect is that to https;
- `use-regex`, and patterns in `rewrite-target`: paths are matched as a whole or by prefix;
- `server-snippet`, `configuration-snippet`: text of an object never becomes configuration;
- `server-alias`, `upstream-vhost`, `proxy-cookie-path`, `proxy-redirect-from`, `custom-http-errors`, `default-backend` (`spec.defaultBackend` of the Ingress is served);
- `proxy-buffering`, `proxy-request-buffering`: bodies are always streamed, in both directions.
)";

void appendRow(const AnnotationRow& row, std::string& text) {
    const auto cell = [&](std::string_view content) {
        text.append(content).append(content.empty() ? "| " : " | ");
    };
    const auto code = [](std::string_view content) {
        return content.empty() ? std::string() : '`' + std::string(content) + '`';
    };
    text += "| ";
    cell(code(row.name.substr(annotation::kPrefix.size())));
    cell(row.syntax);
    cell(code(row.otherwise));
    cell(row.effect);
    cell(code(row.example));
    text.append(row.nginx).append(row.nginx.empty() ? "|\n" : " |\n");
}

void appendTable(std::span<const AnnotationRow> rows, std::string& text) {
    text += "| `evergate.io/` | value | default | effect | example | ingress-nginx |\n";
    text += "|---|---|---|---|---|---|\n";
    for (const AnnotationRow& row : rows) {
        appendRow(row, text);
    }
}

// The rules of the model, so that no annotation makes a value that the data plane refuses.
Complaint firstProblem(model::Kind kind, const model::Value& value) {
    const auto problems = model::validate({kind, "sample"}, value);
    return problems.empty() ? Complaint() : problems.front().what;
}

Complaint checkForRoute(ApplyToRoute apply, std::string_view value) {
    RouteClaim claim;
    claim.route.listeners = {"sample"};
    claim.route.backend = "sample";
    Complaint complaint = apply(value, claim);
    return complaint.empty() ? firstProblem(model::Kind::route, std::move(claim.route)) : complaint;
}

Complaint checkForBackend(ApplyToBackend apply, std::string_view value) {
    model::Backend backend;
    Complaint complaint = apply(value, backend);
    return complaint.empty() ? firstProblem(model::Kind::backend, std::move(backend)) : complaint;
}

}  // namespace

std::array<std::span<const AnnotationRow>, 5> annotationGroups() noexcept {
    return {backendAnnotations(), healthAnnotations(), routeAnnotations(), clientAnnotations(),
            listenerAnnotations()};
}

const AnnotationRow* findAnnotation(std::string_view name) noexcept {
    for (const auto rows : annotationGroups()) {
        const auto it = std::find_if(rows.begin(), rows.end(),
                                     [&](const AnnotationRow& row) { return row.name == name; });
        if (it != rows.end()) {
            return &*it;
        }
    }
    return nullptr;
}

Complaint check(const AnnotationRow& row, std::string_view value) {
    if (row.backend != nullptr) {
        return checkForBackend(row.backend, value);
    }
    return row.route != nullptr ? checkForRoute(row.route, value) : Complaint();
}

bool sameMeaning(const AnnotationRow& row, std::string_view a, std::string_view b) {
    if (a == b || row.backend == nullptr || row.namesObject) {
        return a == b;
    }
    model::Backend one;
    model::Backend other;
    return row.backend(a, one).empty() && row.backend(b, other).empty() && one == other;
}

std::string annotationsDocument() {
    std::string text(kIntroduction);
    text += kBackendIntroduction;
    appendTable(backendAnnotations(), text);
    text += kHealthIntroduction;
    appendTable(healthAnnotations(), text);
    text += kRouteIntroduction;
    appendTable(routeAnnotations(), text);
    text += kClientIntroduction;
    appendTable(clientAnnotations(), text);
    text += kListenerIntroduction;
    appendTable(listenerAnnotations(), text);
    text += kForeignIntroduction;
    return text;
}

}  // namespace evergate::controller
