// SPDX-License-Identifier: Apache-2.0
// RFC 3339 timestamps as the Kubernetes API writes them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace evergate::controller {

// Seconds since 1970 of "2026-11-21T02:53:50Z"; fractions are dropped, offsets are honoured.
std::optional<std::int64_t> parseTimestamp(std::string_view text) noexcept;

}  // namespace evergate::controller
