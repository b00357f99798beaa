// SPDX-License-Identifier: Apache-2.0
// How many of a backend's requests may be repeated at once: a backend that is in trouble must not
// get the work of its failing requests a second time on top. One worker's share of it; pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace evergate::upstream {

// Where little is going on, a share says nothing.
inline constexpr std::uint32_t kRetriesAlways = 3;

// `underWay`: requests that were sent again and have not ended; `active`: all requests.
constexpr bool withinRetryBudget(std::uint32_t underWay, std::uint32_t active,
                                 std::uint32_t percent) noexcept {
    const std::uint64_t share = std::uint64_t{active} * percent / 100;
    return underWay < std::max<std::uint64_t>(kRetriesAlways, share);
}

}  // namespace evergate::upstream
