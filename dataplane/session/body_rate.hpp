// SPDX-License-Identifier: Apache-2.0
// Whether a client sends its request body fast enough, on the average since the body began.
//
// Only time in which the client was waited for counts: an endpoint that takes nothing, or that has
// not asked for the body yet, is not its fault. The first five seconds are free, as with Kestrel's
// MinRequestBodyDataRate. Pure; time comes as ticks of the worker's wheel.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "dataplane/net/timer_wheel.hpp"

namespace evergate::session {

class BodyRate {
public:
    static constexpr std::chrono::milliseconds kGrace{5'000};

    bool waiting() const noexcept { return waiting_; }

    // Is the client waited for from now on?
    void wait(bool forClient, std::uint32_t tick) noexcept {
        if (waiting_)
            waited_ += (tick - since_) * net::TimerWheel::kTick;
        waiting_ = forClient;
        since_ = tick;
    }

    // How much longer it may be waited for when `received` bytes are all it has sent; `rate` is in
    // bytes per second, not 0. Never negative.
    std::chrono::milliseconds left(std::uint64_t received, std::uint32_t rate) const noexcept {
        const std::chrono::milliseconds earned(received * 1'000 / rate);
        return std::max(std::max(kGrace, earned) - waited_, std::chrono::milliseconds(0));
    }

private:
    std::chrono::milliseconds waited_{0};
    std::uint32_t since_ = 0;  // tick
    bool waiting_ = false;
};

}  // namespace evergate::session
