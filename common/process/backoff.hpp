// SPDX-License-Identifier: Apache-2.0
// Exponential backoff with full jitter: how long to wait before the next attempt. Pure; not
// thread-safe.
#pragma once

#include <chrono>
#include <functional>

namespace evergate::process {

class Backoff {
public:
    using Random = std::function<double()>;  // uniform in [0, 1)

    // Requires 0 < minimum <= maximum.
    Backoff(std::chrono::milliseconds minimum, std::chrono::milliseconds maximum, Random random);

    // Uniform between the minimum and a ceiling that doubles with each call, up to the maximum.
    std::chrono::milliseconds next();

    // After a success: start again at the bottom.
    void reset() noexcept { ceiling_ = minimum_; }

private:
    std::chrono::milliseconds minimum_;
    std::chrono::milliseconds maximum_;
    std::chrono::milliseconds ceiling_;
    Random random_;
};

// A Random of its own engine, seeded from the system.
Backoff::Random systemRandom();

}  // namespace evergate::process
