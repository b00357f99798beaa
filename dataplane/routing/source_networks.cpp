// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/source_networks.hpp"

#include <algorithm>

#include "common/model/network.hpp"

namespace evergate::routing {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::uint32_t number(const std::uint8_t* bytes) noexcept {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
           std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

SourceNetworks::Address lastOf(const model::Network& network) noexcept {
    SourceNetworks::Address last = network.address;
    for (std::size_t i = 0; i < last.size(); ++i) {
        const int kept = std::clamp(network.bits - static_cast<int>(8 * i), 0, 8);
        last[i] |= static_cast<std::uint8_t>(0xff >> kept);
    }
    return last;
}

// Sorted by their first address; what overlaps becomes one.
template <typename T>
void merge(std::vector<std::pair<T, T>>& ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::size_t kept = 0;
    for (const auto& range : ranges) {
        if (kept != 0 && range.first <= ranges[kept - 1].second) {
            ranges[kept - 1].second = std::max(ranges[kept - 1].second, range.second);
        } else {
            ranges[kept++] = range;
        }
    }
    ranges.resize(kept);
}

template <typename T>
bool holds(const std::vector<std::pair<T, T>>& ranges, const T& address) noexcept {
    const auto behind =
        std::upper_bound(ranges.begin(), ranges.end(), address,
                         [](const T& value, const auto& range) { return value < range.first; });
    return behind != ranges.begin() && address <= std::prev(behind)->second;
}

}  // namespace

SourceNetworks::SourceNetworks(const std::vector<std::string>& networks) {
    for (const std::string& text : networks) {
        const auto network = model::parseNetwork(text);
        if (!network) {
            continue;
        }
        if (network->family == model::AddressFamily::ipv6) {
            v6_.emplace_back(network->address, lastOf(*network));
        } else {
            const std::uint32_t first = number(network->address.data());
            v4_.emplace_back(first,
                             first | static_cast<std::uint32_t>(0xffffffffULL >> network->bits));
        }
    }
    merge(v4_);
    merge(v6_);
}

bool SourceNetworks::contains(const Address& client) const noexcept {
    if (std::equal(kMapped.begin(), kMapped.end(), client.begin())) {
        return holds(v4_, number(client.data() + kMapped.size()));
    }
    return holds(v6_, client);
}

}  // namespace evergate::routing
