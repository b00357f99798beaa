// SPDX-License-Identifier: Apache-2.0
// IP literals of endpoints: strict parsing, one spelling per address, and which are fit to send to.
// Pure; no resolver, no system headers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller {

struct IpAddress {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};  // the first four for IPv4

    bool isLoopbackOrLinkLocal() const noexcept;
    bool isUnspecifiedOrMulticast() const noexcept;
    std::string toText() const;  // RFC 5952
};

// Dotted quad without leading zeros, or RFC 4291 text without a zone.
std::optional<IpAddress> parseIpAddress(std::string_view text) noexcept;

}  // namespace evergate::controller
