// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/wall_time.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace evergate::controller::writeback {

std::string secondTime(WallTime at) {
    const std::time_t seconds =
        std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(at));
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 40> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string microTime(WallTime at) {
    const auto part = at - std::chrono::floor<std::chrono::seconds>(at);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(part).count();
    std::array<char, 16> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%06lldZ", static_cast<long long>(micros));
    auto text = secondTime(at);
    text.pop_back();
    return text + fraction.data();
}

}  // namespace evergate::controller::writeback
