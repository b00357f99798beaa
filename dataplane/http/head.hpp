// SPDX-License-Identifier: Apache-2.0
// Request and response heads as flat indexes into the bytes they were parsed from (RFC 9110, RFC
// 9112).
//
// No copy, no fields container: every view points into the buffer given to parse() and dies with
// it. Pure: no sockets, no clock. The head objects are reused per worker, so a parse allocates
// nothing in the steady state. The scanner is our own (docs/decisions/0009-request-head-parser.md);
// Boost.Beast's parser is the oracle it is tested and fuzzed against: it accepts nothing that Beast
// refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/http/proxy_error.hpp"

namespace evergate::http {

// Header names the proxy itself acts on; everything else is `other` and passes through.
enum class HeaderName : std::uint8_t {
    other,
    host,
    connection,
    keepAlive,
    proxyConnection,
    transferEncoding,
    contentLength,
    te,
    trailer,
    upgrade,
    expect,
    date,
    server,
    via,
    forwarded,
    xForwardedFor,
    xForwardedProto,
    xForwardedHost,
    xForwardedPort,
    xRequestId,
    proxyAuthenticate,
    proxyAuthorization,
    cookie,
    setCookie,
    http2Settings,
    proxy,
    xRealIp,
    maxForwards,
    authorization,
    contentType,
    grpcTimeout,
};

// RequestHead::minorVersion of a request that came as HTTP/2. Where the two differ it is treated
// like HTTP/1.1.
inline constexpr std::uint8_t kHttp2 = 20;

struct HeaderField {
    HeaderName id = HeaderName::other;
    bool hopByHop = false;   // of this connection only: never forwarded (RFC 9110 §7.6.1)
    std::string_view name;   // as received
    std::string_view value;  // without surrounding whitespace
};

// How the end of a body is found (RFC 9112 §6.3).
enum class Framing : std::uint8_t { none, length, chunked, untilClose };

struct HeadLimits {
    std::size_t maxHeadBytes = 32'768;
    std::size_t maxHeaders = 128;
};

enum class ParseStatus : std::uint8_t { incomplete, complete, error };

struct RequestHead {
    std::string_view method;
    std::string_view target;       // origin-form to forward: "/path?query", "*" for OPTIONS
    std::string_view path;         // target without query
    std::string_view authority;    // Host as received (absolute-form: its authority), with port
    std::string_view host;         // authority without port
    std::string_view grpcTimeout;  // grpc-timeout as received; empty: none
    std::string_view upgrade;      // protocol asked for, when Connection lists upgrade; else empty
    std::vector<HeaderField> fields;
    std::uint64_t contentLength = 0;  // Framing::length only; may be 0
    std::size_t headBytes = 0;  // bytes of the head, including the empty line; bounds all views
    Framing framing = Framing::none;  // never untilClose
    std::uint8_t minorVersion = 1;    // HTTP/1.x, or kHttp2
    bool keepAlive = true;            // the client lets the connection persist
    bool expectContinue = false;
    bool head = false;          // method is HEAD
    bool idempotent = false;    // RFC 9110 §9.2.2
    bool teTrailers = false;    // client said TE: trailers
    bool grpc = false;          // by its Content-Type (http/grpc.hpp)
    bool secureTarget = false;  // absolute-form with "https://"
    // Authorization of a scheme that speaks for the whole connection (NTLM, Negotiate): whoever
    // uses it next would be taken for this client.
    bool authenticatesConnection = false;
    // Max-Forwards of TRACE and OPTIONS (RFC 9110 §7.6.2); -1: none.
    std::int16_t maxForwards = -1;
    std::vector<char> ownTarget;  // holds `target` when it is no part of what was read

    void clear() noexcept;  // keeps capacity
};

struct ResponseHead {
    std::uint16_t status = 0;
    std::string_view reason;
    std::vector<HeaderField> fields;
    std::uint64_t contentLength = 0;
    std::size_t headBytes = 0;
    Framing framing = Framing::none;
    std::uint8_t minorVersion = 1;
    bool keepAlive = true;   // the upstream connection may be used again after this response
    bool hasLength = false;  // Content-Length present (kept on HEAD and 304, whose framing is none)

    void clear() noexcept;
};

struct ParseResult {
    ParseStatus status = ParseStatus::incomplete;
    ProxyError error = ProxyError::none;
    const char* detail = "";  // static text for the log: "space before colon"
};

// Parses a head that starts at bytes[0]; leading CRLFs of a request are skipped (RFC 9112 §2.2) and
// counted in headBytes. `incomplete` means: call again with more bytes of the same buffer, from its
// start. `scanned` remembers how far the end of the head was looked for; pass 0 first, the same
// variable after.
ParseResult parseRequestHead(std::string_view bytes, const HeadLimits& limits, std::size_t& scanned,
                             RequestHead& out);

// A line "name: value\r\n" of a head, for a reader that need not look for it.
struct FieldPlace {
    HeaderName id;
    std::uint32_t nameSize;
    std::uint32_t valueSize;
};

// What parseRequestHead() makes of a whole head that we wrote of fields checked one by one: behind
// the first line stand those of `places`. Never incomplete.
ParseResult readCheckedRequest(std::string_view text, std::span<const FieldPlace> places,
                               RequestHead& out);

// As parseRequestHead(). `requestWasHead`/`requestMethod`-dependent framing rules of RFC 9112 §6.3
// are applied. 1xx heads are returned like any other (framing none); the caller decides.
ParseResult parseResponseHead(std::string_view bytes, const HeadLimits& limits, bool requestWasHead,
                              std::size_t& scanned, ResponseHead& out);

}  // namespace evergate::http
