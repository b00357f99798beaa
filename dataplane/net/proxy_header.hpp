// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol header that a load balancer writes in front of a connection to say whose it
// is (haproxy/doc/proxy-protocol.txt). Pure: bytes in, a value out, and back.
//
// Parsing is strict: what is not exactly a header is malformed as soon as that is certain, nothing
// is guessed. Both versions end where they say; what follows belongs to the connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/net/address.hpp"

namespace evergate::net {

// Longer ones are refused: a version 1 line is at most 107 bytes long, and the TLVs of version 2
// are more than we have use for.
inline constexpr std::size_t kMaxProxyHeader = 4'096;

// Where a client connected to, by the header that came before it.
struct ProxiedDestination : SocketAddress {
    std::string uniqueId;  // what the sender calls the connection; empty: nothing
};

struct ProxyHeader {
    // False: the sender speaks for itself (LOCAL, a health check) or names nobody (UNKNOWN, UNSPEC,
    // a Unix socket): the connection's own addresses hold.
    bool hasAddresses = false;
    SocketAddress source;
    SocketAddress destination;
    std::string_view uniqueId;  // PP2_TYPE_UNIQUE_ID; lives as long as the bytes
    std::size_t bytes = 0;
};

enum class ProxyHeaderStatus : std::uint8_t { incomplete, complete, malformed };

struct ProxyHeaderResult {
    ProxyHeaderStatus status = ProxyHeaderStatus::incomplete;
    const char* problem = "";  // static text for the log
};

// `incomplete` means: call again with more bytes, from the start. Never incomplete with
// kMaxProxyHeader bytes.
ProxyHeaderResult parseProxyHeader(std::string_view bytes, ProxyHeader& out) noexcept;

// "PROXY TCP4 10.0.0.9 10.0.0.1 51234 443\r\n". Where the families differ, both are IPv6.
std::string composeProxyV1(const SocketAddress& source, const SocketAddress& destination);

// What version 2 can say besides. Empty: not said; nor is what is longer than it may be.
struct ProxyFacts {
    std::string_view authority{};  // the host the client asked for
    std::string_view protocol{};   // agreed on by ALPN: "http/1.1"
    std::string_view uniqueId{};
    std::string_view tlsVersion{};  // "TLSv1.3"; empty: the client did not use TLS
    std::string_view tlsCipher{};
};

// With the TLVs for these facts and a CRC32C.
std::string composeProxyV2(const SocketAddress& source, const SocketAddress& destination,
                           const ProxyFacts& facts = {});

// Of connections we make for ourselves, such as health checks: UNKNOWN and LOCAL.
std::string_view localProxyV1() noexcept;
std::string_view localProxyV2() noexcept;

// CRC-32C (RFC 3720 appendix B.4) of `bytes`, continuing `crc`; 0 begins.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept;

}  // namespace evergate::net
