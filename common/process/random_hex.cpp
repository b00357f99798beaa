// SPDX-License-Identifier: Apache-2.0
#include "common/process/random_hex.hpp"

#include <cstdint>
#include <random>

namespace evergate::process {

std::string randomHex(int words) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::random_device random;
    std::string text;
    for (int i = 0; i < words; ++i) {
        for (auto word = static_cast<std::uint32_t>(random()), n = 0U; n < 8; ++n, word >>= 4U) {
            text += kDigits[word & 15U];
        }
    }
    return text;
}

}  // namespace evergate::process
