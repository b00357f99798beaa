// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/handshake_limits.hpp"

namespace evergate::worker {

HandshakeLimits::HandshakeLimits(std::uint32_t all, std::uint32_t perClient, std::uint64_t seed)
    : all_(all), perClient_(perClient), seed_(seed) {
    if (byClient())
        clients_ = std::make_unique<std::atomic<std::int64_t>[]>(kClients);
}

// The finalizer of splitmix64.
std::atomic<std::int64_t>& HandshakeLimits::bucketOf(std::uint64_t client) noexcept {
    std::uint64_t mixed = client ^ seed_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    mixed ^= mixed >> 31U;
    return clients_[mixed % kClients];
}

bool HandshakeLimits::admit(std::uint64_t client) noexcept {
    return admit(client, std::chrono::steady_clock::now().time_since_epoch());
}

// The client first: who is over its own rate takes nothing from the others.
bool HandshakeLimits::admit(std::uint64_t client, std::chrono::nanoseconds now) noexcept {
    if (client != 0 && byClient() && !perClient_.tryTake(bucketOf(client), now.count()))
        return false;
    return all_.unlimited() || all_.tryTake(bucket_, now.count());
}

}  // namespace evergate::worker
