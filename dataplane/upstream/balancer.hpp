// SPDX-License-Identifier: Apache-2.0
// Which endpoint gets a request. Pure: no clock, no sockets; state is in the BackendState passed
// in.
//
// Never picks an endpoint of weight 0 or one already tried; endpoints that just refused a
// connection, fail their health checks or are ejected are skipped while another is left. When none
// is, they are tried all the same: a wrong check must not take a whole backend away. What an
// endpoint that is skipped would have got is spread over all others, not given to its neighbour.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/upstream/registry.hpp"

namespace evergate::upstream {

// Small, fast, seedable; one per worker, seeded differently.
class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {  // splitmix64
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    // 0..bound-1; bound > 0.
    std::uint32_t below(std::uint32_t bound) noexcept {
        return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
    }

private:
    std::uint64_t state_;
};

struct PickRequest {
    std::uint64_t hash = 0;  // consistentHash only: of what Backend::hashOn names
    std::span<const EndpointState* const> tried{};  // by this request, without success
    std::uint32_t nowTick = 0;                      // TimerWheel::nowTick()
    std::uint32_t limit = 0;      // requests one endpoint takes at once (slots); 0: any number
    int family = 0;               // of the endpoint's address; 0: any
    bool healthyOnly = false;     // rather nobody than one that is skipped
    std::uint64_t nowMicros = 0;  // ewma only: as EndpointState::noteLatency() has it
};

// Null when no endpoint is left. The caller keeps what it uses (EndpointPtr) and its
// activeRequests.
EndpointState* pick(BackendState& backend, const PickRequest& request, Random& random);

// Of a backend with an affinity cookie; null: none (any more) is called that.
EndpointState* findByAffinity(BackendState& backend, std::uint64_t affinity);

}  // namespace evergate::upstream
