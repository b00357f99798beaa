// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/endpoint.hpp"

#include <cassert>

#include "dataplane/tls/resumable_session.hpp"

namespace evergate::upstream {

EndpointState::EndpointState(const net::SocketAddress& where, std::string name,
                             std::uint32_t initialWeight)
    : address(where), weight(initialWeight), text(std::move(name)) {}

EndpointState::~EndpointState() {
    // Every connection holds a reference.
    assert(idle.empty() && openConnections == 0);
}

// From a tenth to all of it, evenly.
std::uint32_t EndpointState::risingShare(std::uint32_t nowTick) const noexcept {
    const std::uint32_t passed = nowTick - risingSince;
    if (passed >= risingTicks)
        return kFullShare;
    constexpr std::uint64_t kFirst = kFullShare / 10;
    return static_cast<std::uint32_t>(kFirst + (kFullShare - kFirst) * passed / risingTicks);
}

tls::ResumableSession& EndpointState::resumable() {
    if (!resumable_)
        resumable_ = std::make_unique<tls::ResumableSession>();
    return *resumable_;
}

}  // namespace evergate::upstream
