// SPDX-License-Identifier: Apache-2.0
// Opening listening sockets and taking connections from them. Plain system calls, no state.
//
// Opening (socket and bind, which can fail) and listening are two steps: a configuration is applied
// only when every socket of it is bound, and the kernel hands out connections only after listen.
#pragma once

#include <system_error>

#include "dataplane/net/address.hpp"

namespace evergate::net {

struct ListenOptions {
    bool reusePort = true;  // one socket per worker on the same address
    // Accept when the first bytes are there; never where the server speaks first.
    bool deferAccept = false;
    int backlog = 4096;  // for startListening
};

// socket + bind only. The descriptor is non-blocking; NODELAY and keep-alive probes are inherited
// by what it accepts.
// "::" also takes IPv4.
Result<int> openListener(const SocketAddress& address, const ListenOptions& options);
std::error_code startListening(int fd, int backlog);

// Does a socket that we do not share the port with (another process) listen there already? With
// SO_REUSEPORT the bind alone would succeed and half the connections would go elsewhere.
bool portTaken(const SocketAddress& address);

// One connection, non-blocking; -1 with errno (EAGAIN: no more; EMFILE/ENFILE: pause accepting).
// Connections that died in the queue are skipped.
int acceptOne(int listener, SocketAddress& peer) noexcept;

}  // namespace evergate::net
