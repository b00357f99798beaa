// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/connect.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>

#include "dataplane/net/socket.hpp"

namespace evergate::net {

namespace {

constexpr int kMostProbeSeconds = 32'767;  // the kernel takes no more

bool setOption(int fd, int level, int name, int value) noexcept {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

int wholeSeconds(std::chrono::milliseconds time, int least, int most) noexcept {
    return static_cast<int>(std::clamp<std::int64_t>(time.count() / 1'000, least, most));
}

}  // namespace

bool bindSource(int fd, const SocketAddress& source) noexcept {
    return setOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) &&
           ::bind(fd, source.native(), source.nativeSize()) == 0;
}

void setUserTimeout(int fd, std::chrono::milliseconds timeout) noexcept {
    const std::int64_t most = std::numeric_limits<int>::max();
    setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
              static_cast<int>(std::min<std::int64_t>(timeout.count(), most)));
    setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, wholeSeconds(timeout * 2 / 3, 1, kMostProbeSeconds));
    setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, wholeSeconds(timeout / 12, 1, kMostProbeSeconds));
}

bool setKeepAlive(int fd) noexcept {
    return setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 120) &&
           setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 30) &&
           setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

namespace {

std::error_code connectFrom(const SocketAddress* source, const SocketAddress& address, int& fd,
                            std::chrono::milliseconds userTimeout) {
    Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket)
        return {errno, std::system_category()};
    const int on = 1;
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (userTimeout.count() > 0) {
        setOption(socket.fd(), SOL_SOCKET, SO_KEEPALIVE, 1);
        setUserTimeout(socket.fd(), userTimeout);
    } else {
        setKeepAlive(socket.fd());
    }
    if (source != nullptr && !bindSource(socket.fd(), *source))
        return {errno, std::system_category()};
    // An interrupted connect goes on in the background like one in progress.
    if (::connect(socket.fd(), address.native(), address.nativeSize()) != 0 &&
        errno != EINPROGRESS && errno != EINTR)
        return {errno, std::system_category()};
    fd = socket.release();
    return {};
}

}  // namespace

std::error_code startConnect(const SocketAddress& address, int& fd,
                             std::chrono::milliseconds userTimeout, SourceAddresses* sources) {
    const std::size_t ways = sources == nullptr ? 0 : sources->count(address.family());
    if (ways == 0)
        return connectFrom(nullptr, address, fd, userTimeout);
    std::error_code error;
    for (std::size_t i = 0; i < ways; ++i) {
        error = connectFrom(sources->next(address.family()), address, fd, userTimeout);
        if (error.value() != EADDRNOTAVAIL)
            break;
    }
    return error;
}

std::size_t SourceAddresses::count(int family) const noexcept {
    return static_cast<std::size_t>(
        std::count_if(addresses_.begin(), addresses_.end(),
                      [family](const auto& each) { return each.family() == family; }));
}

const SocketAddress* SourceAddresses::next(int family) noexcept {
    for (std::size_t looked = 0; looked < addresses_.size(); ++looked) {
        const SocketAddress& each = addresses_[next_++ % addresses_.size()];
        if (each.family() == family)
            return &each;
    }
    return nullptr;
}

std::error_code checkSource(const SocketAddress& address) {
    const Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || !bindSource(socket.fd(), address))
        return {errno, std::system_category()};
    return {};
}

bool lacksResources(const std::error_code& error) noexcept {
    switch (error.value()) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
        case EADDRNOTAVAIL:
            return true;
        default:
            return false;
    }
}

}  // namespace evergate::net
