// SPDX-License-Identifier: Apache-2.0
// How long an endpoint takes to answer, lately: an average that decays over 10 s but takes over a
// higher value at once (Finagle's "peak EWMA"), so that one that becomes slow is noticed with its
// first slow answer. Pure; one worker.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace evergate::upstream {

class PeakEwma {
public:
    static constexpr std::uint64_t kDecayMicros = 10'000'000;

    // `nowMicros`: of any clock that does not go back, the same one always.
    void observe(std::uint64_t latencyMicros, std::uint64_t nowMicros) noexcept {
        const auto latency = static_cast<float>(latencyMicros);
        if (!known(nowMicros) || latency > value_) {
            value_ = latency;
        } else {
            const auto passed = static_cast<float>(nowMicros - std::min(nowMicros, seen_));
            const float old = std::exp(-passed / static_cast<float>(kDecayMicros));
            value_ = value_ * old + latency * (1 - old);
        }
        // Not 0: an endpoint that takes no time at all would take everything.
        value_ = std::max(value_, 1.0f);
        seen_ = std::max(nowMicros, std::uint64_t{1});
    }

    // An answer so old says nothing about the present: whoever was slow gets another chance, and
    // whoever was fast no rush.
    bool known(std::uint64_t nowMicros) const noexcept {
        return seen_ != 0 && nowMicros - std::min(nowMicros, seen_) < kDecayMicros;
    }

    float micros() const noexcept { return value_; }

private:
    float value_ = 0;
    std::uint64_t seen_ = 0;
};

}  // namespace evergate::upstream
