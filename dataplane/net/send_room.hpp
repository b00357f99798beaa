// SPDX-License-Identifier: Apache-2.0
// How much a socket takes without leaving a rest. Plain system calls, no state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/net/socket.hpp"

namespace evergate::net {

// Bytes the kernel takes at once and whole, by what it has queued for this socket and may queue
// (SO_MEMINFO, and TCP_NOTSENT_LOWAT where it is set); on the low side. 0 when it does not say.
std::size_t sendRoom(int fd) noexcept;

// Bytes to give a socket at a time: all there are, but for one stream of a connection that several
// share.
inline std::size_t portionFor(const Socket& socket) noexcept {
    const StreamLayer* const layer = socket.layer();
    return socket.fd() >= 0 || layer == nullptr ? SIZE_MAX : layer->room();
}

}  // namespace evergate::net
