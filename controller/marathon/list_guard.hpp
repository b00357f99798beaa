// SPDX-License-Identifier: Apache-2.0
// Decides whether a full list is to be believed: after a change of leader a master may answer with
// nothing, or with part of what there is. Pure; time is passed in.
//
// A list that lost most of the apps, or every task, and not because events said so, is believed
// only when lists have said so for a while and a leader stands by it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace evergate::controller::marathon {

class ListGuard {
public:
    using Time = std::chrono::steady_clock::time_point;

    enum class Verdict {
        believe,
        confirm,  // ask who leads; believe it if there is one, else hold
        hold,     // keep what we have and list again soon
    };

    struct Change {
        std::size_t appsBefore = 0;
        std::size_t appsLost = 0;     // unexpectedly
        std::size_t tasksBefore = 0;  // without those known to be ending
        std::size_t tasksNow = 0;
    };

    explicit ListGuard(std::chrono::milliseconds patience) : patience_(patience) {}

    Verdict judge(const Change& change, Time now);

    // A list was believed: the next doubt starts anew.
    void believed() noexcept { doubtSince_.reset(); }

    bool doubting() const noexcept { return doubtSince_.has_value(); }

private:
    std::chrono::milliseconds patience_;
    std::optional<Time> doubtSince_;
};

}  // namespace evergate::controller::marathon
