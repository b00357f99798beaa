// SPDX-License-Identifier: Apache-2.0
// Every way a request can fail in the proxy itself; one table gives status, metric label and log
// reason.
#pragma once

#include <cstdint>
#include <string_view>

namespace evergate::http {

enum class ProxyError : std::uint8_t {
    none,
    // The request (RFC 9112): refused, and the connection is closed.
    badRequest,          // malformed request line, header or Host
    ambiguousFraming,    // Transfer-Encoding with Content-Length, several lengths, no final chunked
    unknownCoding,       // a transfer coding before the final chunked: 501
    misdirected,         // an https target over a connection without TLS: 421
    badChunk,            // malformed chunk size, extension or trailer in the request body
    uriTooLong,          // the request line alone exceeds the head limit: 414
    headTooLarge,        // head bytes or number of headers over the limit: 431
    unsupportedVersion,  // not HTTP/1.0 or HTTP/1.1: 505
    methodNotSupported,  // CONNECT to an ingress: 501
    expectationFailed,   // Expect with anything but 100-continue: 417
    headTimeout,         // head not complete in time: 408
    bodyTimeout,         // request body stopped coming: 408
    clientClosed,        // client left before the response ended; logged as 499, never sent
    clientWriteTimeout,  // client takes no bytes; logged, connection dropped
    // Routing and upstream.
    noRoute,          // 404
    forbiddenSource,  // the client's address is not among those the route (or listener) allows: 403
    bodyTooLarge,     // request body over the route's limit: 413
    noEndpoint,       // backend without (ready) endpoints: 503
    queueFull,  // every endpoint at its connection limit, and as many waiting as may: 503 at once
    queueTimeout,    // no connection came free while the request waited: 503
    connectFailed,   // refused, reset, unreachable on every endpoint tried: 502 (haproxy says 503)
    connectTimeout,  // 504
    upstreamClosed,  // endpoint closed or reset before a complete response head: 502
    upstreamBadResponse,   // response head or framing invalid or ambiguous: 502
    upstreamHeadTooLarge,  // 502
    upstreamTimeout,       // no response head in time: 504
    upstreamTruncated,  // endpoint closed in the middle of a body: the client sees a broken message
    upstreamBodyTimeout,  // endpoint stopped in the middle of a body: as above
    overloaded,           // this worker is behind with its work: 503 + Retry-After
    draining,             // shutting down: 503
    plainHttp,            // HTTP without TLS on a port for HTTPS: 400
    badProxyHeader,       // no proper PROXY protocol header where one must be: nothing is answered
    clientTls,            // no TLS handshake with the client: nothing can be answered
    upstreamTls,          // no TLS handshake with the endpoint: 502
    upstreamNoWebSocket,  // asked for one, over HTTP/2 to an endpoint that has none there: 502
    upstreamTlsVerify,    // the endpoint's certificate is not trusted, or for another name: 502
    // Limits of ours (docs/limits.md), all with Retry-After.
    noDescriptors,        // the process has none left: 503
    noLocalPorts,         // none left towards the endpoint on any source address: 503
    tooManyConnections,   // clients, of the whole data plane: 503
    listenerConnections,  // clients, of one listener: 503
    clientConnections,    // of one client: 429
    bufferMemory,         // used up by what is under way: 503
    clientUnverified,     // no certificate that was verified by the host's rules: 421
    otherCertificate,  // HTTP/2: the connection was opened for a host of another certificate: 421
    badGrpcWeb,        // a body that is no base64, where it must be: 400
    count_,            // number of values above
};

struct ProxyErrorInfo {
    std::uint16_t status;     // 499 and 0-body cases: what is logged
    std::string_view reason;  // metric label and access-log reason: "no_route"
    std::string_view text;    // one sentence for the response body
};

const ProxyErrorInfo& info(ProxyError error) noexcept;

}  // namespace evergate::http
