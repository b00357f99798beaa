// SPDX-License-Identifier: Apache-2.0
// A network in CIDR notation: what access lists are made of. Pure.
//
// IPv4-mapped IPv6 networks ("::ffff:10.0.0.0/104") are the IPv4 networks they contain, so that a
// client has one family only, whatever its socket says.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/model/syntax.hpp"

namespace evergate::model {

struct Network {
    AddressFamily family = AddressFamily::ipv4;
    // The lowest address of the network, in network order; IPv4 uses the first four bytes.
    std::array<std::uint8_t, 16> address{};
    std::uint8_t bits = 0;  // 0..32 or 0..128

    friend bool operator==(const Network&, const Network&) = default;
};

// "10.0.0.0/8", "2001:db8::/32", or an address alone. Bits behind the prefix are cleared; nothing
// for host names, zones, leading zeros in the length, and a length out of range.
std::optional<Network> parseNetwork(std::string_view text) noexcept;

}  // namespace evergate::model
