// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/timer_wheel.hpp"

#include <algorithm>

namespace evergate::net {
namespace {

constexpr std::int64_t kMaxDelayTicks = 365LL * 24 * 3600 * 10;

}  // namespace

TimerWheel::TimerWheel(TimePoint start) : start_(start) {}

void TimerWheel::setNow(TimePoint now) noexcept {
    if (now <= start_)
        return;
    const auto tick = static_cast<std::uint32_t>((now - start_) / kTick);
    nowTick_ = std::max(nowTick_, tick);
}

void TimerWheel::arm(Timer& timer, std::chrono::milliseconds delay) {
    const std::int64_t most = kMaxDelayTicks * kTick.count();
    const std::int64_t delayMs = std::clamp<std::int64_t>(delay.count(), 0, most);
    const auto ticks = static_cast<std::uint32_t>((delayMs + kTick.count() - 1) / kTick.count());
    // One more: the current tick is partly over.
    timer.deadline_ = nowTick_ + 1 + ticks;
    if (timer.is_linked()) {
        if (timer.linkedAt_ <= timer.deadline_)
            return;
        timer.unlink();
    }
    link(timer);
}

void TimerWheel::disarm(Timer& timer) noexcept {
    timer.deadline_ = Timer::kNever;
}

void TimerWheel::link(Timer& timer) {
    // A far deadline is looked at once per revolution. Never a bucket already passed.
    timer.linkedAt_ = std::min(timer.deadline_, firedTick_ + kBuckets - 1);
    buckets_[timer.linkedAt_ % kBuckets].push_back(timer);
}

void TimerWheel::advance(TimePoint now) {
    setNow(now);
    if (nowTick_ - firedTick_ > kBuckets)
        firedTick_ = nowTick_ - kBuckets;  // once through all buckets is enough
    while (firedTick_ != nowTick_)
        fireBucket(++firedTick_);
}

void TimerWheel::fireBucket(std::uint32_t tick) {
    Bucket due;
    due.swap(buckets_[tick % kBuckets]);
    while (!due.empty()) {
        Timer& timer = due.front();
        due.pop_front();
        if (!timer.armed())
            continue;  // disarmed some time ago
        if (timer.deadline_ > nowTick_) {
            link(timer);  // put off since it was linked
            continue;
        }
        timer.deadline_ = Timer::kNever;
        timer.onTimer();
    }
}

std::size_t TimerWheel::armed(std::uint32_t first, std::uint32_t count) const noexcept {
    std::size_t found = 0;
    for (std::uint32_t at = first; at < std::min(first + count, kBuckets); ++at) {
        const Bucket& bucket = buckets_[at];
        found += static_cast<std::size_t>(std::count_if(
            bucket.begin(), bucket.end(), [](const Timer& timer) { return timer.armed(); }));
    }
    return found;
}

}  // namespace evergate::net
