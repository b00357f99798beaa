// SPDX-License-Identifier: Apache-2.0
// Coarse deadlines for very many objects: 1024 buckets of 100 ms, one thread, no clock of its own.
//
// Lazy: putting a deadline off (the usual case: activity) only stores a number; the timer moves
// when its old bucket comes up. So arm() and disarm() per request cost no system call and touch no
// neighbour. Never fires early; at most about two ticks late, if advance() is called every tick.
// A timer destroyed while armed takes itself off. onTimer() may arm, disarm or destroy any timer.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace evergate::net {

class Timer : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    virtual ~Timer() = default;

    // Disarmed when called.
    virtual void onTimer() = 0;

    bool armed() const noexcept { return deadline_ != kNever; }

private:
    friend class TimerWheel;
    static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

    std::uint32_t deadline_ = kNever;  // tick
    std::uint32_t linkedAt_ = 0;       // tick whose bucket holds it, while linked
};

class TimerWheel {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds kTick{100};

    explicit TimerWheel(TimePoint start = std::chrono::steady_clock::now());
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    // Fires `delay` from now at the earliest. Arming an armed timer replaces its deadline.
    // Delays over a year are a year.
    void arm(Timer& timer, std::chrono::milliseconds delay);
    void disarm(Timer& timer) noexcept;

    // Fires what is due at `now`. Time never goes back: an earlier `now` is ignored.
    void advance(TimePoint now);
    // Tells the time that arm() counts from, without firing anything. Cheap; once per event batch.
    void setNow(TimePoint now) noexcept;

    // Armed timers in the buckets [first, first + count): walks them, so take a few buckets at a
    // time where others wait.
    std::size_t armed(std::uint32_t first, std::uint32_t count) const noexcept;

    // No timer is armed. Walks all timers: for tests and shutdown.
    bool empty() const noexcept { return armed(0, kBuckets) == 0; }

    static constexpr std::uint32_t kBuckets = 1024;

    std::uint32_t nowTick() const noexcept { return nowTick_; }

private:
    using Bucket = boost::intrusive::list<Timer, boost::intrusive::constant_time_size<false>>;

    void link(Timer& timer);
    void fireBucket(std::uint32_t tick);

    TimePoint start_;
    std::uint32_t nowTick_ = 0;
    std::uint32_t firedTick_ = 0;  // buckets up to this tick have been looked at
    std::array<Bucket, kBuckets> buckets_;
};

}  // namespace evergate::net
