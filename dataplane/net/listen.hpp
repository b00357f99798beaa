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
    // Bytes of a connection that the kernel takes beyond what the receiver lets it send
    // (TCP_NOTSENT_LOWAT); 0: as many as net.ipv4.tcp_notsent_lowat and tcp_wmem allow.
    int unsentLimit = 0;
};

// For connections of clients. Who reads slowly costs the kernel this much and not megabytes, for
// each byte up to 2.4 (segments as small as its window); who reads fast does not notice, since what
// is in flight does not count.
constexpr int kClientUnsentLimit = 32 * 1024;

// socket + bind only. The descriptor is non-blocking; NODELAY, keep-alive probes and the limit of
// unsent bytes are inherited by what it accepts.
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
