// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/address.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace evergate::net {
namespace {

std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

std::optional<std::uint16_t> parsePort(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc() || stop != end)
        return std::nullopt;
    return port;
}

}  // namespace

SocketAddress::SocketAddress() noexcept {
    std::memset(&storage_, 0, sizeof storage_);
    storage_.in.sin_family = AF_INET;
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view address, std::uint16_t port) {
    std::array<char, kMaxText> text;
    if (address.empty() || address.size() >= text.size())
        return std::nullopt;
    std::memcpy(text.data(), address.data(), address.size());
    text[address.size()] = '\0';
    if (std::strlen(text.data()) != address.size())
        return std::nullopt;
    SocketAddress result;
    if (::inet_pton(AF_INET, text.data(), &result.storage_.in.sin_addr) == 1) {
        result.storage_.in.sin_port = htons(port);
        return result;
    }
    if (::inet_pton(AF_INET6, text.data(), &result.storage_.in6.sin6_addr) != 1)
        return std::nullopt;
    result.storage_.in6.sin6_family = AF_INET6;
    result.storage_.in6.sin6_flowinfo = 0;
    result.storage_.in6.sin6_port = htons(port);
    return result;
}

std::optional<SocketAddress> SocketAddress::parseWithPort(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    const auto port = parsePort(text.substr(colon + 1));
    if (!port)
        return std::nullopt;
    std::string_view address = text.substr(0, colon);
    const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
    if (bracketed)
        address = address.substr(1, address.size() - 2);
    const auto result = parse(address, *port);
    if (!result || bracketed != (result->family() == AF_INET6))
        return std::nullopt;
    return result;
}

SocketAddress SocketAddress::fromNative(const sockaddr* address, socklen_t size) noexcept {
    SocketAddress result;
    if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
        std::memcpy(&result.storage_, address, sizeof(sockaddr_in));
    } else if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
        std::memcpy(&result.storage_, address, sizeof(sockaddr_in6));
    }
    return result;
}

SocketAddress SocketAddress::localOf(int fd) noexcept {
    SocketAddress result;
    socklen_t size = sizeof result.storage_;
    if (::getsockname(fd, result.native(), &size) != 0)
        return {};
    return result;
}

SocketAddress SocketAddress::peerOf(int fd) noexcept {
    SocketAddress result;
    socklen_t size = sizeof result.storage_;
    if (::getpeername(fd, result.native(), &size) != 0)
        return {};
    return result;
}

std::uint16_t SocketAddress::port() const noexcept {
    return ntohs(family() == AF_INET6 ? storage_.in6.sin6_port : storage_.in.sin_port);
}

const in_addr* SocketAddress::v4() const noexcept {
    if (family() == AF_INET)
        return &storage_.in.sin_addr;
    if (!IN6_IS_ADDR_V4MAPPED(&storage_.in6.sin6_addr))
        return nullptr;
    return reinterpret_cast<const in_addr*>(&storage_.in6.sin6_addr.s6_addr[12]);
}

bool SocketAddress::wildcard() const noexcept {
    if (family() == AF_INET)
        return storage_.in.sin_addr.s_addr == INADDR_ANY;
    return IN6_IS_ADDR_UNSPECIFIED(&storage_.in6.sin6_addr);
}

bool SocketAddress::loopback() const noexcept {
    if (const in_addr* address = v4())
        return (ntohl(address->s_addr) >> 24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&storage_.in6.sin6_addr);
}

std::string_view SocketAddress::text(std::span<char, kMaxText> out) const noexcept {
    const in_addr* const four = v4();
    const char* const written =
        four ? ::inet_ntop(AF_INET, four, out.data(), out.size())
             : ::inet_ntop(AF_INET6, &storage_.in6.sin6_addr, out.data(), out.size());
    return written ? std::string_view(written) : std::string_view();
}

bool SocketAddress::isIpv4() const noexcept {
    return v4() != nullptr;
}

std::string SocketAddress::textWithPort() const {
    std::array<char, kMaxText> buffer;
    const std::string_view address = text(buffer);
    const std::string port = std::to_string(this->port());
    std::string result;
    result.reserve(address.size() + port.size() + 3);
    if (v4())
        return result.append(address).append(":").append(port);
    return result.append("[").append(address).append("]:").append(port);
}

std::uint64_t SocketAddress::hash() const noexcept {
    if (const in_addr* address = v4())
        return mix(address->s_addr + 0x9e3779b97f4a7c15u);
    std::array<std::uint64_t, 2> halves;
    std::memcpy(halves.data(), &storage_.in6.sin6_addr, sizeof halves);
    return mix(mix(halves[0] + 0x9e3779b97f4a7c15u) ^ halves[1]);
}

std::array<std::uint8_t, 16> SocketAddress::mapped() const noexcept {
    std::array<std::uint8_t, 16> bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (const in_addr* address = v4()) {
        std::memcpy(&bytes[12], address, 4);
    } else {
        std::memcpy(bytes.data(), &storage_.in6.sin6_addr, bytes.size());
    }
    return bytes;
}

socklen_t SocketAddress::nativeSize() const noexcept {
    return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
    if (a.family() != b.family() || a.port() != b.port())
        return false;
    if (a.family() == AF_INET)
        return a.storage_.in.sin_addr.s_addr == b.storage_.in.sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&a.storage_.in6.sin6_addr, &b.storage_.in6.sin6_addr) &&
           a.storage_.in6.sin6_scope_id == b.storage_.in6.sin6_scope_id;
}

}  // namespace evergate::net
