// SPDX-License-Identifier: Apache-2.0
#include "controller/client/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace evergate::controller::client {

std::optional<std::chrono::seconds> parseRetryAfter(std::string_view value) {
    constexpr int kMaxRetryAfter = 3600;
    int seconds = 0;
    const auto* const end = value.data() + value.size();
    const auto [stopped, error] = std::from_chars(value.data(), end, seconds);
    if (error != std::errc{} || stopped != end || seconds <= 0) {
        return std::nullopt;
    }
    return std::chrono::seconds(std::min(seconds, kMaxRetryAfter));
}

}  // namespace evergate::controller::client
