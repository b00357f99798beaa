// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/address.hpp"

#include <sys/un.h>

#include <charconv>

namespace evergate::rpc {

namespace {

std::variant<Address, AddressError> parseTcp(std::string_view rest) {
    const auto colon = rest.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return AddressError{"tcp://HOST:PORT expected"};
    }
    std::string_view host = rest.substr(0, colon);
    const std::string_view digits = rest.substr(colon + 1);
    if (host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return AddressError{"an IPv6 address stands in brackets: tcp://[::1]:9300"};
    }
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || host.empty() ||
        host.find_first_of("/@ ") != std::string_view::npos) {
        return AddressError{"tcp://HOST:PORT expected"};
    }
    return Address{TcpAddress{std::string(host), port}};
}

}  // namespace

std::variant<Address, AddressError> parseAddress(std::string_view text) {
    if (text.starts_with("unix:")) {
        std::string path(text.substr(5));
        if (path.starts_with("//")) {
            path.erase(0, 2);  // unix:///run/x is written by many
        }
        if (path.empty() || path.front() != '/') {
            return AddressError{"unix:/absolute/path expected"};
        }
        if (path.size() >= sizeof(sockaddr_un::sun_path)) {
            return AddressError{"the path of a Unix socket has at most 107 bytes"};
        }
        return Address{UnixAddress{std::move(path)}};
    }
    if (text.starts_with("tcp://")) {
        return parseTcp(text.substr(6));
    }
    return AddressError{"unix:/path or tcp://HOST:PORT expected"};
}

std::string toText(const Address& address) {
    if (const auto* local = std::get_if<UnixAddress>(&address)) {
        return "unix:" + local->path;
    }
    const auto& tcp = std::get<TcpAddress>(address);
    const bool v6 = tcp.host.find(':') != std::string::npos;
    return "tcp://" + (v6 ? "[" + tcp.host + "]" : tcp.host) + ":" + std::to_string(tcp.port);
}

std::string checkSecurity(const Address& address, const TlsFiles& files) {
    if (std::holds_alternative<UnixAddress>(address)) {
        return files.empty() ? "" : "certificates are for tcp://; a Unix socket takes none";
    }
    if (!files.complete()) {
        return "tcp:// needs mutual TLS: give --rpc-cert, --rpc-key and --rpc-ca";
    }
    return "";
}

}  // namespace evergate::rpc
