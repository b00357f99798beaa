// SPDX-License-Identifier: Apache-2.0
// Durations as people write them: "30s", "500ms", "1h30m". Units h, m, s, ms, largest first, each
// once; a bare number is refused, because nobody remembers which unit it would be in.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::process {

// Nothing when malformed or over 10 years.
std::optional<std::chrono::milliseconds> parseDuration(std::string_view text);
// The shortest text that parses to the same duration; "0s" for zero. Requires duration >= 0.
std::string formatDuration(std::chrono::milliseconds duration);

}  // namespace evergate::process
