// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/listen.hpp"

#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

#include "dataplane/net/connect.hpp"
#include "dataplane/net/socket.hpp"

namespace evergate::net {
namespace {

std::error_code lastError() {
    return {errno, std::system_category()};
}

bool setOption(int fd, int level, int name, int value) {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

Socket streamSocket(const SocketAddress& address) {
    return Socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

bool setListenOptions(int fd, const SocketAddress& address, const ListenOptions& options) {
    return setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
           (!options.reusePort || setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
           setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1) && setKeepAlive(fd) &&
           (options.unsentLimit == 0 ||
            setOption(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.unsentLimit)) &&
           (!options.deferAccept || setOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1)) &&
           (address.family() != AF_INET6 ||
            setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.wildcard() ? 0 : 1));
}

// Errors of one connection that died in the queue; the next one may be fine.
bool connectionError(int error) noexcept {
    switch (error) {
        case ECONNABORTED:
        case EINTR:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case ENETUNREACH:
            return true;
        default:
            return false;
    }
}

}  // namespace

Result<int> openListener(const SocketAddress& address, const ListenOptions& options) {
    Socket socket = streamSocket(address);
    if (!socket || !setListenOptions(socket.fd(), address, options) ||
        ::bind(socket.fd(), address.native(), address.nativeSize()) != 0)
        return lastError();
    return socket.release();
}

std::error_code startListening(int fd, int backlog) {
    if (::listen(fd, backlog) != 0)
        return lastError();
    return {};
}

bool portTaken(const SocketAddress& address) {
    Socket socket = streamSocket(address);
    // REUSEADDR: connections left in TIME_WAIT do not count, a listening socket does.
    if (!socket || !setListenOptions(socket.fd(), address, {.reusePort = false}))
        return false;
    return ::bind(socket.fd(), address.native(), address.nativeSize()) != 0 && errno == EADDRINUSE;
}

int acceptOne(int listener, SocketAddress& peer) noexcept {
    for (;;) {
        socklen_t size = sizeof(sockaddr_in6);
        const int fd = ::accept4(listener, peer.native(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 || !connectionError(errno))
            return fd;
    }
}

}  // namespace evergate::net
