// SPDX-License-Identifier: Apache-2.0
// Starting an outgoing TCP connection. Plain system calls, no state.
#pragma once

#include <chrono>
#include <system_error>

#include "dataplane/net/address.hpp"

namespace evergate::net {

// Non-blocking connect with NODELAY and keep-alive probes. No error: `fd` is connecting (or
// connected): EPOLLOUT without ERR and HUP says that it worked. With an error nothing stays open.
// `userTimeout`: how long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT); 0 leaves the
// default.
std::error_code startConnect(const SocketAddress& address, int& fd,
                             std::chrono::milliseconds userTimeout = {});

// A peer that vanished without a word is found out within about four minutes of silence: quiet
// tunnels would otherwise hold both their sockets for as long as they may be idle.
bool setKeepAlive(int fd) noexcept;

// TCP_USER_TIMEOUT of a connected socket (an accepted one, say).
void setUserTimeout(int fd, std::chrono::milliseconds timeout) noexcept;

}  // namespace evergate::net
