// SPDX-License-Identifier: Apache-2.0
// One access-log line per request or TCP connection, formatted on the worker and written by a
// thread of its own.
//
// A worker appends lines to its own bounded single-producer ring and never blocks: when the writer
// is behind, the line is dropped and counted. JSON strings are escaped; header values are never
// logged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/http/proxy_error.hpp"

namespace evergate::http {

enum class AccessLogFormat : std::uint8_t { off, text, json };

// Of a connection with TLS; all empty without. Of one that passes through: what it asked for.
struct TlsRecord {
    std::string_view version;
    std::string_view cipher;
    std::string_view serverName;   // what the client asked for (SNI)
    std::string_view failure;      // why the handshake failed: there was no request then
    std::string_view untrusted{};  // what is wrong with the client's certificate
};

struct AccessRecord {
    std::int64_t unixMicros = 0;  // when the request head was complete
    std::string_view clientAddress;
    std::uint16_t clientPort = 0;
    std::string_view method;
    std::string_view host;
    std::string_view target;        // cut at 1024 bytes
    std::uint8_t minorVersion = 1;  // as RequestHead::minorVersion
    std::uint16_t status = 0;
    std::uint64_t bytesIn = 0;         // request body
    std::uint64_t bytesOut = 0;        // sent to the client, head included
    std::uint32_t durationMicros = 0;  // head complete -> last byte handed to the kernel
    std::uint32_t upstreamMicros = 0;  // request sent -> response head
    std::string_view route;            // route key name; empty when none matched
    std::string_view backend;
    std::string_view endpoint;  // "10.1.2.3:8080"
    std::uint8_t retries = 0;
    ProxyError error = ProxyError::none;
    bool tcp = false;  // a connection of a tcp listener: `route` is its name, there is no request
    TlsRecord tls{};
    std::string_view proxyProblem{};  // what is wrong with its PROXY protocol header
};

// Appends one line including '\n'.
void formatAccessLine(AccessLogFormat format, const AccessRecord& record, std::string& out);

}  // namespace evergate::http
