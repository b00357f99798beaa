// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/proxy_error.hpp"

#include <array>
#include <cstddef>

namespace evergate::http {

namespace {

struct Row {
    ProxyError error;
    ProxyErrorInfo info;
};

constexpr std::size_t kCount = static_cast<std::size_t>(ProxyError::count_);

constexpr std::array<Row, kCount> kRows = {{
    {ProxyError::none, {0, "none", ""}},
    {ProxyError::badRequest, {400, "bad_request", "malformed request"}},
    {ProxyError::ambiguousFraming, {400, "ambiguous_framing", "ambiguous request length"}},
    {ProxyError::unknownCoding, {501, "unknown_coding", "transfer coding not supported"}},
    {ProxyError::misdirected, {421, "misdirected", "https target without TLS"}},
    {ProxyError::badChunk, {400, "bad_chunk", "malformed chunked body"}},
    {ProxyError::uriTooLong, {414, "uri_too_long", "request target too long"}},
    {ProxyError::headTooLarge, {431, "head_too_large", "request header fields too large"}},
    {ProxyError::unsupportedVersion, {505, "unsupported_version", "HTTP version not supported"}},
    {ProxyError::methodNotSupported, {501, "method_not_supported", "method not supported"}},
    {ProxyError::expectationFailed, {417, "expectation_failed", "unknown expectation"}},
    {ProxyError::headTimeout, {408, "head_timeout", "request head took too long"}},
    {ProxyError::bodyTimeout, {408, "body_timeout", "request body took too long"}},
    {ProxyError::clientClosed, {499, "client_closed", "client closed the connection"}},
    {ProxyError::clientWriteTimeout, {499, "client_write_timeout", "client takes no data"}},
    {ProxyError::noRoute, {404, "no_route", "no route"}},
    {ProxyError::forbiddenSource, {403, "forbidden_source", "not allowed from this address"}},
    {ProxyError::bodyTooLarge, {413, "body_too_large", "request body too large"}},
    {ProxyError::noEndpoint, {503, "no_endpoint", "no endpoint available"}},
    {ProxyError::queueFull, {503, "queue_full", "too many requests are waiting"}},
    {ProxyError::queueTimeout, {503, "queue_timeout", "no endpoint came free in time"}},
    {ProxyError::connectFailed, {502, "connect_failed", "cannot connect to the endpoint"}},
    {ProxyError::connectTimeout, {504, "connect_timeout", "connecting to the endpoint timed out"}},
    {ProxyError::upstreamClosed, {502, "upstream_closed", "endpoint closed without a response"}},
    {ProxyError::upstreamBadResponse,
     {502, "upstream_bad_response", "invalid response from the endpoint"}},
    {ProxyError::upstreamHeadTooLarge,
     {502, "upstream_head_too_large", "response header fields too large"}},
    {ProxyError::upstreamTimeout,
     {504, "upstream_timeout", "no response from the endpoint in time"}},
    {ProxyError::upstreamTruncated, {502, "upstream_truncated", "response ended early"}},
    {ProxyError::upstreamBodyTimeout,
     {504, "upstream_body_timeout", "response stopped before its end"}},
    {ProxyError::overloaded, {503, "overloaded", "too many requests at the moment"}},
    {ProxyError::draining, {503, "draining", "shutting down"}},
    {ProxyError::plainHttp, {400, "plain_http", "plain HTTP sent to an HTTPS port"}},
    {ProxyError::badProxyHeader, {400, "bad_proxy_header", "no proper PROXY protocol header"}},
    {ProxyError::clientTls, {499, "client_tls", "no TLS handshake with the client"}},
    {ProxyError::upstreamTls, {502, "upstream_tls", "no TLS handshake with the endpoint"}},
    {ProxyError::upstreamNoWebSocket,
     {502, "upstream_no_websocket", "the endpoint takes no WebSocket over HTTP/2"}},
    {ProxyError::upstreamTlsVerify,
     {502, "upstream_tls_verify", "the endpoint's certificate is not trusted"}},
    {ProxyError::noDescriptors, {503, "no_descriptors", "out of descriptors"}},
    {ProxyError::noLocalPorts, {503, "no_local_ports", "no local port left for the endpoint"}},
    {ProxyError::tooManyConnections, {503, "too_many_connections", "too many connections"}},
    {ProxyError::listenerConnections,
     {503, "listener_connections", "too many connections on this port"}},
    {ProxyError::clientConnections,
     {429, "client_connections", "too many connections from this address"}},
    {ProxyError::bufferMemory, {503, "buffer_memory", "out of buffer memory"}},
    {ProxyError::clientUnverified,
     {421, "client_unverified", "no client certificate verified for this host"}},
    {ProxyError::otherCertificate,
     {421, "other_certificate", "this connection was opened for a host with another certificate"}},
    {ProxyError::badGrpcWeb, {400, "bad_grpc_web", "malformed gRPC-Web body"}},
}};

constexpr bool isInEnumOrder() {
    for (std::size_t i = 0; i < kCount; ++i) {
        if (static_cast<std::size_t>(kRows[i].error) != i) {
            return false;
        }
    }
    return true;
}

static_assert(isInEnumOrder(), "one row per ProxyError, in its order");

}  // namespace

const ProxyErrorInfo& info(ProxyError error) noexcept {
    const auto index = static_cast<std::size_t>(error);
    return kRows[index < kCount ? index : 0].info;
}

}  // namespace evergate::http
