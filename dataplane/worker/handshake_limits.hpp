// SPDX-License-Identifier: Apache-2.0
// How many full TLS handshakes there may be a second: in all, and by client address.
//
// Counted by all workers together, one atomic each; touched by full handshakes only, and only while
// there is a limit. Buckets are the generic cell rate algorithm (ITU-T I.371): one number, the time
// at which the bucket is full again. Clients share a table of fixed size: two that meet in a bucket
// share its rate, which a secret seed keeps anybody from arranging. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/tls/handshake_gate.hpp"

namespace evergate::worker {

// One a second is `1`; as many as a second brings may come at once, and never less than
// kLeastBurst: browsers open several connections together.
class HandshakeRate {
public:
    static constexpr std::uint32_t kLeastBurst = 10;

    explicit constexpr HandshakeRate(std::uint32_t perSecond) noexcept
        : interval_(perSecond == 0 ? 0 : 1'000'000'000 / static_cast<std::int64_t>(perSecond)),
          burst_(interval_ * (perSecond > kLeastBurst ? perSecond : kLeastBurst)) {}

    constexpr bool unlimited() const noexcept { return interval_ == 0; }

    // `bucket`: 0 at first. `now`: nanoseconds of any clock that does not go back.
    bool tryTake(std::atomic<std::int64_t>& bucket, std::int64_t now) const noexcept {
        std::int64_t due = bucket.load(std::memory_order_relaxed);
        for (;;) {
            const std::int64_t from = due > now ? due : now;
            if (from + interval_ > now + burst_)
                return false;
            if (bucket.compare_exchange_weak(due, from + interval_, std::memory_order_relaxed))
                return true;
        }
    }

private:
    std::int64_t interval_;
    std::int64_t burst_;
};

class HandshakeLimits final : public tls::HandshakeGate {
public:
    static constexpr std::size_t kClients = 16'384;  // buckets

    // Handshakes a second; 0: no limit.
    HandshakeLimits(std::uint32_t all, std::uint32_t perClient, std::uint64_t seed);

    bool limited() const noexcept { return !all_.unlimited() || byClient(); }

    bool byClient() const noexcept { return !perClient_.unlimited(); }

    bool admit(std::uint64_t client) noexcept override;
    bool admit(std::uint64_t client, std::chrono::nanoseconds now) noexcept;

private:
    std::atomic<std::int64_t>& bucketOf(std::uint64_t client) noexcept;

    const HandshakeRate all_;
    const HandshakeRate perClient_;
    const std::uint64_t seed_;
    std::atomic<std::int64_t> bucket_{0};
    std::unique_ptr<std::atomic<std::int64_t>[]> clients_;  // null: not limited
};

}  // namespace evergate::worker
