// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/flood_guard.hpp"

#include <algorithm>

namespace evergate::http2 {
namespace {

struct Limit {
    std::uint32_t burst;
    std::uint32_t perTick;  // leaks
};

// Far above what clients do, far below what hurts. A client may cancel much (a page that is left, a
// deadline of gRPC): only one that cancels most of what it asks for is an attacker.
constexpr std::array<Limit, static_cast<std::size_t>(FloodGuard::Kind::count_)> kLimits{{
    {500, 5},       // reset
    {50, 1},        // settings
    {200, 2},       // ping
    {100, 1},       // emptyData
    {10'000, 100},  // tinyData
    {5'000, 100},   // control
}};

// Updates of windows a frame of ours excuses: one that is read in small pieces causes several.
constexpr std::uint32_t kControlPerSent = 10;
constexpr std::uint32_t kMaxHeaderFrames = 32;
constexpr std::uint32_t kRecentRequests = 2'000;

}  // namespace

bool FloodGuard::note(Kind kind, std::uint32_t tick) noexcept {
    const auto index = static_cast<std::size_t>(kind);
    Bucket& bucket = buckets_[index];
    const std::uint64_t leaked = std::uint64_t{tick - bucket.tick} * kLimits[index].perTick;
    bucket.level -= static_cast<std::uint32_t>(std::min<std::uint64_t>(leaked, bucket.level));
    bucket.tick = tick;
    ++bucket.level;
    if (kind == Kind::reset)
        ++resets_;
    return bucket.level <= kLimits[index].burst || (kind == Kind::reset && !mostlyResets());
}

void FloodGuard::noteRequest() noexcept {
    if (++requests_ < kRecentRequests)
        return;
    requests_ /= 2;
    resets_ /= 2;
}

void FloodGuard::noteSent(std::uint32_t frames, std::uint32_t data) noexcept {
    excuse(Kind::control, kControlPerSent * frames);
    excuse(Kind::ping, data);
}

void FloodGuard::excuse(Kind kind, std::uint32_t frames) noexcept {
    Bucket& bucket = buckets_[static_cast<std::size_t>(kind)];
    bucket.level -= std::min(bucket.level, frames);
}

bool FloodGuard::noteHeaderFrame(bool first) noexcept {
    headerFrames_ = first ? 1 : headerFrames_ + 1;
    return headerFrames_ <= kMaxHeaderFrames;
}

Refusal FloodGuard::refusalOf(Kind kind) noexcept {
    switch (kind) {
        case Kind::reset:
            return Refusal::rapidReset;
        case Kind::settings:
            return Refusal::settingsFlood;
        case Kind::ping:
            return Refusal::pingFlood;
        case Kind::emptyData:
            return Refusal::emptyData;
        case Kind::tinyData:
            return Refusal::tinyData;
        case Kind::control:
        case Kind::count_:
            break;
    }
    return Refusal::controlFlood;
}

}  // namespace evergate::http2
