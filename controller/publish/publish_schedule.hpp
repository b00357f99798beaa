// SPDX-License-Identifier: Apache-2.0
// When to publish: shortly after the last event of a burst, and not too long after its first. Pure;
// time is passed in. Endpoints have no holdoff and do not come here.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace evergate::controller {

class PublishSchedule {
public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::milliseconds kQuiet{50};     // after the last event
    static constexpr std::chrono::milliseconds kLongest{250};  // after the first

    void event(Time now) {
        first_ = first_ ? first_ : now;
        last_ = now;
    }

    // When it is time; none while nothing happened.
    std::optional<Time> due() const {
        if (!first_) {
            return std::nullopt;
        }
        return std::min(*first_ + kLongest, last_ + kQuiet);
    }

    bool ready(Time now) const { return first_ && now >= *due(); }

    void done() { first_.reset(); }

private:
    std::optional<Time> first_;
    Time last_{};
};

}  // namespace evergate::controller
