// SPDX-License-Identifier: Apache-2.0
// Which endpoint gets a request of a backend with a connection limit or an affinity cookie, and the
// slots of the first. Backends with neither never get here. One worker thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/upstream/balancer.hpp"
#include "dataplane/upstream/registry.hpp"

namespace evergate::upstream {

struct Wish {
    PickRequest pick;
    std::uint64_t affinity = 0;  // what the client's cookie says; 0: nothing
};

// As pick(), but the client's own endpoint while that is up (also with weight 0: who is bound to it
// stays), and never one that is at its limit. Null with `busy`: wait for a slot. Takes nothing.
EndpointState* choose(BackendState& backend, const Wish& wish, Random& random, bool& busy);

// Whether a free slot of `endpoint` is of any use to that request.
bool suits(BackendState& backend, const Wish& wish, const EndpointState& endpoint);

// For a request that has an endpoint already: a healthy other one with a slot at once, which is
// taken. Null: nobody; and who waits for a slot goes first.
EndpointState* takeOther(BackendState& backend, PickRequest request, Random& random);

// The same, of another address family than `first` where there is one (RFC 8305).
EndpointState* takeSecond(BackendState& backend, const EndpointState& first, PickRequest request,
                          Random& random);

// False: the endpoint is at its limit.
inline bool takeSlot(const BackendState& backend, EndpointState& endpoint) noexcept {
    return !endpoint.slots || endpoint.slots->tryTake(backend.maxConnections);
}

inline void giveSlotBack(BackendState& backend, EndpointState& endpoint) {
    if (endpoint.slots) [[unlikely]]
        backend.queue->release(endpoint);
}

// The cookie's value for an endpoint: 16 hexadecimal digits that do not show its address.
constexpr std::size_t kAffinityDigits = 16;
void writeAffinity(std::uint64_t affinity, char (&out)[kAffinityDigits]) noexcept;
// 0: not a value we gave out.
std::uint64_t parseAffinity(std::string_view text) noexcept;

}  // namespace evergate::upstream
