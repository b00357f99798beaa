// SPDX-License-Identifier: Apache-2.0
// The client addresses a route or listener serves: networks compiled to sorted, disjoint ranges.
//
// Immutable, pure; contains() is a binary search and allocates nothing. An IPv4 client is looked up
// among the IPv4 networks only, also when its socket calls it IPv4-mapped IPv6: "::/0" does not let
// it in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace evergate::routing {

class SourceNetworks {
public:
    // IPv6 in network order, IPv4 as IPv4-mapped.
    using Address = std::array<std::uint8_t, 16>;

    // What is no network is left out: it lets nobody in.
    explicit SourceNetworks(const std::vector<std::string>& networks);

    bool contains(const Address& client) const noexcept;

private:
    template <typename T>
    using Ranges = std::vector<std::pair<T, T>>;  // first and last address, both included

    Ranges<std::uint32_t> v4_;
    Ranges<Address> v6_;
};

}  // namespace evergate::routing
