// SPDX-License-Identifier: Apache-2.0
// What happens to requests on their way: the Ingress's word counts for its routes, else that of the
// Service they lead to. And what opens listeners, on Services only.
#include <array>

#include "controller/translate/annotation_table.hpp"

namespace evergate::controller {
namespace {

constexpr auto kBoth = AnnotationScope::both;
constexpr auto kService = AnnotationScope::service;
constexpr auto kIngress = AnnotationScope::ingress;

Complaint rewritePrefix(std::string_view text, RouteClaim& claim) {
    if (text.empty()) {
        return "must be a path; / takes the prefix away";
    }
    claim.route.rewritePrefix = text;
    return {};
}

Complaint sslRedirect(std::string_view text, RouteClaim& claim) {
    bool value = false;
    Complaint complaint = readFlag(text, value);
    if (complaint.empty()) {
        claim.sslRedirect = value;
    }
    return complaint;
}

Complaint sslPassthrough(std::string_view text, RouteClaim& claim) {
    return readFlag(text, claim.passthrough);
}

Complaint allowSourceRanges(std::string_view text, RouteClaim& claim) {
    claim.route.restrictSources = true;
    return readNetworks(text, claim.route.allowSources);
}

constexpr std::array kRows = {
    AnnotationRow{"evergate.io/rewrite-prefix", kBoth, "a path", "",
                  "Replaces what the path of the Ingress matched: with path `/shop` and `/` here, "
                  "`/shop/cart` is asked for as `/cart`. The query stays; `X-Forwarded-Prefix` "
                  "says what was taken away.",
                  "/", "`rewrite-target` (with a capture group for the rest), `x-forwarded-prefix`",
                  nullptr, rewritePrefix},
    AnnotationRow{"evergate.io/request-headers-set", kBoth, "one `Name: value` per line", "",
                  "Sets headers of requests, in place of any of that name.", "X-Tenant: blue",
                  "the ConfigMap of `proxy-set-headers`, for everything at once", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readHeaderFields(text, claim.route.requestHeadersSet);
                  }},
    AnnotationRow{"evergate.io/request-headers-remove", kBoth,
                  "names, separated by commas or lines", "", "Takes headers of requests away.",
                  "X-Debug, X-Internal", "", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readHeaderNames(text, claim.route.requestHeadersRemove);
                  }},
    AnnotationRow{"evergate.io/response-headers-set", kBoth, "one `Name: value` per line", "",
                  "Sets headers of responses, in place of any of that name.",
                  "Strict-Transport-Security: max-age=31536000", "`custom-headers`", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readHeaderFields(text, claim.route.responseHeadersSet);
                  }},
    AnnotationRow{"evergate.io/response-headers-remove", kBoth,
                  "names, separated by commas or lines", "", "Takes headers of responses away.",
                  "Server, X-Powered-By", "the ConfigMap's `hide-headers`", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readHeaderNames(text, claim.route.responseHeadersRemove);
                  }},
    AnnotationRow{
        annotation::kSslRedirect, kBoth, "`true`, `false`", "",
        "Answers plain HTTP with 308 to https. Without it: `true` for hosts that an "
        "Ingress names under `tls`, else `false`. Listeners of `http-port` never redirect.",
        "false", "`ssl-redirect`, `force-ssl-redirect`", nullptr, sslRedirect},
    AnnotationRow{
        annotation::kSslPassthrough, kIngress, "`true`, `false`", "false",
        "Sends TLS connections that ask for a host of this Ingress (SNI) to its Service as "
        "they are; [tcp.md](tcp.md). Paths other than `/` and rules without a host are "
        "problems; of the other annotations those of the Service for its endpoints, "
        "`allow-source-ranges` and `ssl-redirect` count (without it plain HTTP is "
        "answered with 308, with `false` 404).",
        "true", "`ssl-passthrough`, without its flag", nullptr, sslPassthrough},
    AnnotationRow{"evergate.io/allow-source-ranges", kBoth,
                  "networks or addresses, separated by commas or lines", "",
                  "Serves only clients of these networks; the others get 403, or a closed "
                  "connection on a `tcp-port`. A wrong entry lets nobody in and the others still "
                  "count; with no right one, nobody is served.",
                  "10.0.0.0/8, 2001:db8::/32", "`allowlist-source-range`, `whitelist-source-range`",
                  nullptr, allowSourceRanges, AnnotationNeeds::nothing,
                  "only what is right in it is let in"},
    AnnotationRow{"evergate.io/body-size", kBoth,
                  "bytes, with `k`, `m` or `g` for powers of 1024; 0 is no limit", "0",
                  "The largest request body; above: 413.", "8m", "`proxy-body-size` (default 1m)",
                  nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readSize(text, claim.route.maxBodyBytes);
                  }},
    AnnotationRow{"evergate.io/compress", kBoth, "`gzip`, `br`, `zstd`, best first", "",
                  "Compresses responses for clients that accept one of these; "
                  "[compression.md](compression.md) says which responses.",
                  "zstd, br, gzip", "the ConfigMap's `use-gzip`, `enable-brotli`", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readWords(text, claim.route.compress);
                  }},
    AnnotationRow{"evergate.io/compress-types", kBoth, "media types, separated by commas or lines",
                  "", "The types `compress` is for, instead of the usual ones.",
                  "text/*, application/json", "the ConfigMap's `gzip-types`", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readWords(text, claim.route.compressTypes);
                  }},
    AnnotationRow{"evergate.io/compress-min-size", kBoth,
                  "bytes, with `k`, `m` or `g` for powers of 1024", "1k",
                  "Responses known to be shorter stay as they are.", "256",
                  "the ConfigMap's `gzip-min-length` (default 256)", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readSize(text, claim.route.compressMinBytes);
                  }},
    AnnotationRow{"evergate.io/grpc-web", kBoth, "`true`, `false`", "false",
                  "Lets browsers call gRPC: requests of gRPC-Web reach the Service as gRPC, its "
                  "answers the client as gRPC-Web. For Services with `protocol: grpc` (or another "
                  "of HTTP/2); [grpc.md](grpc.md#grpc-web).",
                  "true", "", nullptr,
                  [](std::string_view text, RouteClaim& claim) {
                      return readFlag(text, claim.route.grpcWeb);
                  }},
};

constexpr std::array kListeners = {
    AnnotationRow{annotation::kTcpPort, kService, "1 to 65535", "",
                  "Opens this port and forwards every TCP connection to the Service.", "5432",
                  "the ConfigMap of `--tcp-services-configmap`"},
    AnnotationRow{annotation::kTcpServicePort, kService, "name or number of a port of the Service",
                  "", "Where `tcp-port` leads. Without it: the first TCP port.", "postgres", ""},
    AnnotationRow{annotation::kTcpTls, kService, "`true`, `false`", "",
                  "Ends TLS on the `tcp-port`: clients are shown the certificate of the host they "
                  "ask for, the Service gets what was inside; [tcp.md](tcp.md). With a wrong value "
                  "the port is not opened.",
                  "true", ""},
    AnnotationRow{annotation::kHttpPort, kService, "1 to 65535", "",
                  "Opens this port and sends every HTTP request on it to the Service, whatever its "
                  "host.",
                  "8081", ""},
    AnnotationRow{annotation::kHttpServicePort, kService, "name or number of a port of the Service",
                  "", "Where `http-port` leads. Without it: the first TCP port.", "web", ""},
};

}  // namespace

std::span<const AnnotationRow> routeAnnotations() noexcept {
    return kRows;
}

std::span<const AnnotationRow> listenerAnnotations() noexcept {
    return kListeners;
}

}  // namespace evergate::controller
