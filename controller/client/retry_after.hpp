// SPDX-License-Identifier: Apache-2.0
// Reads Retry-After. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace evergate::controller::client {

// A number of seconds, at most an hour; 0 and the date form, which nobody sends, are ignored.
std::optional<std::chrono::seconds> parseRetryAfter(std::string_view value);

}  // namespace evergate::controller::client
