// SPDX-License-Identifier: Apache-2.0
// Where an OCSP responder is, and whether we talk to it.
//
// Pure. The address comes out of a certificate, and so from whoever may write a Secret: what is
// asked there must not become a way into places that only we can reach (metadata services, pods,
// the loopback). So the text is read strictly, and by default nothing but port 80 of addresses of
// the public Internet is spoken to. Names are judged by the addresses they have at the time.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::ocsp {

enum class Scope : std::uint8_t {
    off,
    publicOnly,  // port 80 of public addresses
    any,         // any port and address: for authorities of one's own
};

struct Responder {
    std::string host;  // a name in lower case, or an IP address without brackets
    std::uint16_t port = 80;
    std::string target;     // path and query
    std::string authority;  // host and port as they go into Host (RFC 9110 §7.2)

    friend bool operator==(const Responder&, const Responder&) = default;
};

// Nothing: not a plain http:// address that we would ask.
std::optional<Responder> parseResponder(std::string_view url);

// Whether this is an address of the public Internet (IANA's special-purpose registries).
bool isPublic(const boost::asio::ip::address& address);

bool allows(Scope scope, std::uint16_t port) noexcept;
bool allows(Scope scope, const boost::asio::ip::address& address);

}  // namespace evergate::ocsp
