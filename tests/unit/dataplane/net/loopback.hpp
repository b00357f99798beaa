// SPDX-License-Identifier: Apache-2.0
// Connected loopback sockets for the tests of this folder. Aborts the test process when loopback
// does not work at all.
#pragma once

#include <poll.h>

#include <cstdlib>
#include <utility>

#include "dataplane/net/connect.hpp"
#include "dataplane/net/listen.hpp"
#include "dataplane/net/socket.hpp"

namespace evergate::net::test {

inline bool waitFor(int fd, short events) {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, 10'000) == 1;
}

inline SocketAddress loopback(std::uint16_t port = 0) {
    return *SocketAddress::parse("127.0.0.1", port);
}

// A listening socket on a free port.
inline Socket listening(ListenOptions options = {.reusePort = false}) {
    const auto fd = openListener(loopback(), options);
    if (!fd || startListening(*fd, options.backlog))
        std::abort();
    return Socket(*fd);
}

inline Socket acceptFrom(const Socket& listener) {
    SocketAddress peer;
    if (!waitFor(listener.fd(), POLLIN))
        std::abort();
    return Socket(acceptOne(listener.fd(), peer));
}

// {client, server}
inline std::pair<Socket, Socket> connectedPair() {
    const Socket listener = listening();
    int fd = -1;
    if (startConnect(SocketAddress::localOf(listener.fd()), fd))
        std::abort();
    Socket client(fd);
    Socket server = acceptFrom(listener);
    if (!waitFor(client.fd(), POLLOUT))
        std::abort();
    return {std::move(client), std::move(server)};
}

}  // namespace evergate::net::test
