// SPDX-License-Identifier: Apache-2.0
#include "common/process/backoff.hpp"

#include <algorithm>
#include <cassert>
#include <random>

namespace evergate::process {

Backoff::Backoff(std::chrono::milliseconds minimum, std::chrono::milliseconds maximum,
                 Random random)
    : minimum_(minimum), maximum_(maximum), ceiling_(minimum), random_(std::move(random)) {
    assert(minimum.count() > 0 && minimum <= maximum);
}

std::chrono::milliseconds Backoff::next() {
    // Divided rather than doubled: the maximum may be near what the type holds.
    ceiling_ = ceiling_ > maximum_ / 2 ? maximum_ : ceiling_ * 2;
    const double span = static_cast<double>((ceiling_ - minimum_).count() + 1);
    const auto extra = std::chrono::milliseconds(static_cast<std::int64_t>(random_() * span));
    return std::clamp(minimum_ + extra, minimum_, ceiling_);
}

Backoff::Random systemRandom() {
    return [engine = std::mt19937_64(std::random_device()())]() mutable {
        return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
    };
}

}  // namespace evergate::process
