// SPDX-License-Identifier: Apache-2.0
#include "common/process/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace evergate::process {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};

constexpr std::array<Unit, 4> kUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t kMax = std::int64_t{10} * 365 * 24 * 3'600'000;

}  // namespace

std::optional<std::chrono::milliseconds> parseDuration(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    std::int64_t total = 0;
    std::size_t next = 0;  // units before this one may not follow any more
    while (!text.empty()) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || number > static_cast<std::uint64_t>(kMax)) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
        text.remove_prefix(name.size());
        while (next < kUnits.size() && kUnits[next].name != name) {
            ++next;
        }
        if (next == kUnits.size()) {
            return std::nullopt;
        }
        const std::int64_t unit = kUnits[next++].milliseconds;
        if (static_cast<std::int64_t>(number) > (kMax - total) / unit) {
            return std::nullopt;
        }
        total += static_cast<std::int64_t>(number) * unit;
    }
    return std::chrono::milliseconds(total);
}

std::string formatDuration(std::chrono::milliseconds duration) {
    std::int64_t rest = duration.count();
    std::string text;
    for (const Unit& unit : kUnits) {
        if (rest >= unit.milliseconds) {
            text.append(std::to_string(rest / unit.milliseconds)).append(unit.name);
            rest %= unit.milliseconds;
        }
    }
    return text.empty() ? "0s" : text;
}

}  // namespace evergate::process
