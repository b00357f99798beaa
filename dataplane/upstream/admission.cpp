// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/admission.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace evergate::upstream {
namespace {

bool tried(const PickRequest& request, const EndpointState& endpoint) {
    return std::find(request.tried.begin(), request.tried.end(), &endpoint) != request.tried.end();
}

// The endpoint the client is bound to, while it can serve.
EndpointState* ownEndpoint(BackendState& backend, const Wish& wish) {
    if (wish.affinity == 0)
        return nullptr;
    EndpointState* const own = findByAffinity(backend, wish.affinity);
    if (own == nullptr || !own->usable || own->backingOff(wish.pick.nowTick) ||
        tried(wish.pick, *own))
        return nullptr;
    return own;
}

// Some endpoint would do, were it not at its limit.
bool anyBusy(const BackendState& backend, const PickRequest& request) {
    return std::any_of(backend.endpoints.begin(), backend.endpoints.end(),
                       [&](const EndpointPtr& endpoint) {
                           return endpoint->weight != 0 && endpoint->full(backend.maxConnections) &&
                                  !tried(request, *endpoint);
                       });
}

}  // namespace

EndpointState* choose(BackendState& backend, const Wish& wish, Random& random, bool& busy) {
    busy = false;
    if (EndpointState* const own = ownEndpoint(backend, wish)) {
        busy = own->full(backend.maxConnections);
        return busy ? nullptr : own;
    }
    PickRequest request = wish.pick;
    request.limit = backend.maxConnections;
    EndpointState* const picked = pick(backend, request, random);
    busy = picked == nullptr && backend.maxConnections != 0 && anyBusy(backend, request);
    return picked;
}

bool suits(BackendState& backend, const Wish& wish, const EndpointState& endpoint) {
    if (const EndpointState* const own = ownEndpoint(backend, wish))
        return own == &endpoint;
    return endpoint.weight != 0 && !tried(wish.pick, endpoint);
}

EndpointState* takeOther(BackendState& backend, PickRequest request, Random& random) {
    if (backend.queue && !backend.queue->empty())
        return nullptr;
    request.limit = backend.maxConnections;
    request.healthyOnly = true;
    EndpointState* const other = pick(backend, request, random);
    return other != nullptr && takeSlot(backend, *other) ? other : nullptr;
}

EndpointState* takeSecond(BackendState& backend, const EndpointState& first, PickRequest request,
                          Random& random) {
    request.family = first.address.family() == AF_INET ? AF_INET6 : AF_INET;
    if (EndpointState* const other = takeOther(backend, request, random))
        return other;
    request.family = 0;
    return takeOther(backend, request, random);
}

void writeAffinity(std::uint64_t affinity, char (&out)[kAffinityDigits]) noexcept {
    for (std::size_t i = kAffinityDigits; i-- > 0; affinity >>= 4)
        out[i] = "0123456789abcdef"[affinity & 15];
}

std::uint64_t parseAffinity(std::string_view text) noexcept {
    if (text.size() != kAffinityDigits)
        return 0;
    std::uint64_t value = 0;
    for (const char c : text) {
        const bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f'))
            return 0;
        value = value << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
    }
    return value;
}

}  // namespace evergate::upstream
