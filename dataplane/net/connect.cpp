// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/connect.hpp"

#include <netinet/tcp.h>

#include <cerrno>

#include "dataplane/net/socket.hpp"

namespace evergate::net {

void setUserTimeout(int fd, std::chrono::milliseconds timeout) noexcept {
    const unsigned value = static_cast<unsigned>(timeout.count());
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value);
}

bool setKeepAlive(int fd) noexcept {
    const auto set = [fd](int level, int name, int value) {
        return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
    };
    return set(SOL_SOCKET, SO_KEEPALIVE, 1) && set(IPPROTO_TCP, TCP_KEEPIDLE, 120) &&
           set(IPPROTO_TCP, TCP_KEEPINTVL, 30) && set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

std::error_code startConnect(const SocketAddress& address, int& fd,
                             std::chrono::milliseconds userTimeout) {
    Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket)
        return {errno, std::system_category()};
    const int on = 1;
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setKeepAlive(socket.fd());
    if (userTimeout.count() > 0)
        setUserTimeout(socket.fd(), userTimeout);
    // An interrupted connect goes on in the background like one in progress.
    if (::connect(socket.fd(), address.native(), address.nativeSize()) != 0 &&
        errno != EINPROGRESS && errno != EINTR)
        return {errno, std::system_category()};
    fd = socket.release();
    return {};
}

}  // namespace evergate::net
