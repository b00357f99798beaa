// SPDX-License-Identifier: Apache-2.0
// At most `burst` at once and one per `period` on the average. Time is passed in; not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>

namespace evergate::controller::writeback {

class TokenBucket {
public:
    using Time = std::chrono::steady_clock::time_point;

    TokenBucket(int burst, std::chrono::milliseconds period)
        : window_(period * burst), period_(period) {}

    // When the next one may be taken; a time in the past means now.
    Time ready() const { return emptyAt_ + period_; }

    void take(Time now) { emptyAt_ = std::max(emptyAt_, now - window_) + period_; }

    bool full(Time now) const { return emptyAt_ <= now - window_; }

private:
    std::chrono::milliseconds window_;
    std::chrono::milliseconds period_;
    // As many periods ago as there are tokens.
    Time emptyAt_ = Time::min();
};

}  // namespace evergate::controller::writeback
