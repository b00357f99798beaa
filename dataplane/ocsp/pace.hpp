// SPDX-License-Identifier: Apache-2.0
// When an OCSP responder is asked again. Pure: the time is an argument.
//
// In the middle of an answer's life, so that half of it is left to get the next one (the renewal
// rule of Apache's mod_md and Caddy). A responder that fails is asked less and less often, and what
// it said before serves on while it holds.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace evergate::ocsp {

struct Pace {
    std::chrono::milliseconds leastWait{60'000};  // answers of short lives
    std::chrono::milliseconds mostWait{24 * 3'600'000};
    std::chrono::milliseconds firstRetry{60'000};
    std::chrono::milliseconds mostRetry{3'600'000};

    // After an answer that is true from `thisUpdate` to `nextUpdate`; all in seconds since 1970.
    // One that comes from a cache may be past its middle already.
    constexpr std::chrono::milliseconds refresh(std::int64_t now, std::int64_t thisUpdate,
                                                std::int64_t nextUpdate) const noexcept {
        const std::int64_t middle = thisUpdate + (nextUpdate - thisUpdate) / 2;
        const std::int64_t wait = middle > now ? middle - now : (nextUpdate - now) / 2;
        return std::clamp(std::chrono::milliseconds(std::chrono::seconds(wait)), leastWait,
                          mostWait);
    }

    // After this many failures in a row, at least one.
    constexpr std::chrono::milliseconds retry(unsigned failures) const noexcept {
        const unsigned doublings = std::min(failures - 1, 16U);
        return std::min(firstRetry * (1U << doublings), mostRetry);
    }

    // 90..110 %: many data planes that started together do not ask together for ever.
    static constexpr std::chrono::milliseconds jittered(std::chrono::milliseconds wait,
                                                        std::uint64_t random) noexcept {
        const auto tenth = static_cast<std::uint64_t>(wait.count()) / 10;
        return wait - std::chrono::milliseconds(tenth) +
               std::chrono::milliseconds(random % (2 * tenth + 1));
    }
};

}  // namespace evergate::ocsp
