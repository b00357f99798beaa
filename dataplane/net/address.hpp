// SPDX-License-Identifier: Apache-2.0
// An IP address and port as the kernel takes it, and its text. A value of 28 bytes.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace evergate::net {

template <typename T>
using Result = boost::system::result<T, std::error_code>;

class SocketAddress {
public:
    static constexpr std::size_t kMaxText = INET6_ADDRSTRLEN;

    SocketAddress() noexcept;  // 0.0.0.0:0
    // IP literals only: "10.0.0.1", "::1" (no brackets, no zone, no names).
    static std::optional<SocketAddress> parse(std::string_view address, std::uint16_t port);
    // "10.0.0.1:80" or "[::1]:80".
    static std::optional<SocketAddress> parseWithPort(std::string_view text);
    // Requires family AF_INET or AF_INET6; anything else gives 0.0.0.0:0.
    static SocketAddress fromNative(const sockaddr* address, socklen_t size) noexcept;
    static SocketAddress localOf(int fd) noexcept;  // getsockname; 0.0.0.0:0 on error
    static SocketAddress peerOf(int fd) noexcept;

    int family() const noexcept { return storage_.any.sa_family; }

    std::uint16_t port() const noexcept;
    bool wildcard() const noexcept;  // 0.0.0.0 or ::
    bool loopback() const noexcept;
    bool isIpv4() const noexcept;  // also an IPv4-mapped IPv6 address

    // The address without the port, written into `out`; IPv4-mapped IPv6 is shown as IPv4.
    std::string_view text(std::span<char, kMaxText> out) const noexcept;
    std::string textWithPort() const;  // "10.0.0.1:80", "[::1]:80"
    // Of the address without the port: the same client hashes the same on every connection.
    std::uint64_t hash() const noexcept;

    // The address alone: 16 bytes in network order, IPv4 as IPv4-mapped IPv6.
    std::array<std::uint8_t, 16> mapped() const noexcept;

    const sockaddr* native() const noexcept { return &storage_.any; }

    sockaddr* native() noexcept { return &storage_.any; }

    socklen_t nativeSize() const noexcept;

    friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

private:
    const in_addr* v4() const noexcept;  // also of an IPv4-mapped address; null when neither

    union {
        sockaddr any;
        sockaddr_in in;
        sockaddr_in6 in6;
    } storage_;
};

}  // namespace evergate::net
