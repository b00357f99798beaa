// SPDX-License-Identifier: Apache-2.0
#include "common/model/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace evergate::model {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

std::optional<int> parseBits(std::string_view text, int most) noexcept {
    int bits = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, bits);
    const bool plain = !text.empty() && text.front() != '-' &&
                       (text.size() == 1 || text.front() != '0');  // 010 is eight to some
    if (!plain || error != std::errc() || stop != end || bits > most) {
        return std::nullopt;
    }
    return bits;
}

void clearBehind(Network& network) noexcept {
    for (std::size_t i = 0; i < network.address.size(); ++i) {
        const int kept = std::clamp(network.bits - static_cast<int>(8 * i), 0, 8);
        network.address[i] &= static_cast<std::uint8_t>(0xff00 >> kept);
    }
}

void unmap(Network& network) noexcept {
    if (network.family != AddressFamily::ipv6 || network.bits < kMappedBits ||
        !std::equal(kMapped.begin(), kMapped.end(), network.address.begin())) {
        return;
    }
    network.family = AddressFamily::ipv4;
    network.bits = static_cast<std::uint8_t>(network.bits - kMappedBits);
    std::copy(network.address.begin() + 12, network.address.end(), network.address.begin());
    std::fill(network.address.begin() + 4, network.address.end(), std::uint8_t{0});
}

}  // namespace

std::optional<Network> parseNetwork(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    const auto family = ipFamily(address);
    if (!family) {
        return std::nullopt;
    }
    Network network;
    network.family = *family;
    const bool v4 = *family == AddressFamily::ipv4;
    std::array<char, INET6_ADDRSTRLEN> copy{};  // inet_pton wants a terminated string
    std::copy(address.begin(), address.end(), copy.begin());
    if (inet_pton(v4 ? AF_INET : AF_INET6, copy.data(), network.address.data()) != 1) {
        return std::nullopt;
    }
    const int most = v4 ? 32 : 128;
    const auto bits =
        slash == std::string_view::npos ? most : parseBits(text.substr(slash + 1), most);
    if (!bits) {
        return std::nullopt;
    }
    network.bits = static_cast<std::uint8_t>(*bits);
    clearBehind(network);
    unmap(network);
    return network;
}

}  // namespace evergate::model
