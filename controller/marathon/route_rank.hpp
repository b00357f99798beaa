// SPDX-License-Identifier: Apache-2.0
// marathon-lb's order of virtual-host rules, brought to a matcher that prefers the longest prefix.
//
// There the first rule that matches wins: by weight, then by app and port; a short prefix in front
// hides longer ones behind it. Here the hidden ones are left out, and with those gone the longest
// prefix is always the first rule. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace evergate::controller::marathon {

struct RankedRoute {
    std::string host;
    std::string path;  // a prefix, byte by byte
    std::int64_t weight = 0;
    std::string appId;
    std::uint16_t port = 0;
    std::size_t service = 0;  // for the caller
    // Set by rankRoutes(): index of the route that hides this one.
    std::optional<std::size_t> hiddenBy{};
};

// Sorts by rank and marks what is hidden.
void rankRoutes(std::vector<RankedRoute>& routes);

}  // namespace evergate::controller::marathon
