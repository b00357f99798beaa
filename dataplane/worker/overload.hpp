// SPDX-License-Identifier: Apache-2.0
// Decides from the lag of a worker's loop how much of what is new it turns away, so that what it
// has begun stays fast.
//
// The lag is how late the worker's tick runs: as long waits everything else. One late tick says
// nothing (the machine slept, a debugger looked), several in a row do: then a sixteenth of what is
// new is shed, and with every further late tick as much more. Below half the limit the share
// shrinks again, slower than it grew, so that it settles where the worker just keeps up. Pure: no
// clock, no I/O. One thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace evergate::worker {

class Overload {
public:
    static constexpr std::uint32_t kEverything = 256;
    static constexpr std::uint32_t kMost =
        192;  // refusals cost, too: more of them, and little else would be done
    static constexpr std::uint32_t kMore = 16;
    static constexpr std::uint32_t kLess = 8;
    static constexpr unsigned kPatience = 5;  // late ticks in a row that are believed

    // `limit`: lag above it is too much; 0: nothing ever is.
    explicit Overload(std::chrono::milliseconds limit) noexcept : limit_(limit) {}

    // A tick ran, `late` after its time.
    void note(std::chrono::microseconds late) noexcept;

    // To be turned away, of kEverything.
    std::uint32_t share() const noexcept { return share_; }

private:
    const std::chrono::microseconds limit_;
    unsigned lateTicks_ = 0;  // in a row
    std::uint32_t share_ = 0;
};

}  // namespace evergate::worker
