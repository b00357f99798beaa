// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/socket.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace evergate::net {
namespace {

// Repeats a call that a signal interrupted.
template <typename Call>
ssize_t uninterrupted(Call&& call) noexcept {
    ssize_t result;
    do {
        result = call();
    } while (result < 0 && errno == EINTR);
    return result;
}

}  // namespace

bool IoResult::wouldBlock() const noexcept {
    return bytes < 0 && (error == EAGAIN || error == EWOULDBLOCK);
}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this == &other)
        return *this;
    close();
    fd_ = std::exchange(other.fd_, -1);
    readable_ = other.readable_;
    writable_ = other.writable_;
    hup_ = other.hup_;
    broken_ = other.broken_;
    registered_ = other.registered_;
    return *this;
}

void Socket::noteEvents(std::uint32_t epollEvents) noexcept {
    if (epollEvents & EPOLLIN)
        readable_ = true;
    if (epollEvents & EPOLLOUT)
        writable_ = true;
    if (epollEvents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        hup_ = true;
        readable_ = true;  // the EOF or the error is there to be read
    }
    if (epollEvents & (EPOLLHUP | EPOLLERR)) {
        broken_ = true;
        writable_ = true;  // a send says what is wrong at once
    }
}

IoResult Socket::recv(char* data, std::size_t size) noexcept {
    const ssize_t got = uninterrupted([&] { return ::recv(fd_, data, size, MSG_DONTWAIT); });
    if (got < 0) {
        const int error = errno;
        if (error == EAGAIN || error == EWOULDBLOCK)
            readable_ = false;
        return {-1, error};
    }
    if (got == 0) {
        hup_ = true;
    } else if (static_cast<std::size_t>(got) < size && !hup_) {
        readable_ = false;
    }
    return {got, 0};
}

IoResult Socket::sent(ssize_t bytes, std::size_t wanted) noexcept {
    if (bytes < 0) {
        const int error = errno;
        if (error == EAGAIN || error == EWOULDBLOCK)
            writable_ = false;
        return {-1, error};
    }
    if (static_cast<std::size_t>(bytes) < wanted)
        writable_ = false;
    return {bytes, 0};
}

IoResult Socket::send(const char* data, std::size_t size) noexcept {
    const ssize_t count =
        uninterrupted([&] { return ::send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL); });
    return sent(count, size);
}

IoResult Socket::sendv(const iovec* parts, int count) noexcept {
    std::size_t wanted = 0;
    for (int i = 0; i < count; ++i)
        wanted += parts[i].iov_len;
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    const ssize_t bytes =
        uninterrupted([&] { return ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
    return sent(bytes, wanted);
}

void Socket::shutdownWrite() noexcept {
    ::shutdown(fd_, SHUT_WR);
}

void Socket::close() noexcept {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

void Socket::closeWithReset() noexcept {
    if (fd_ < 0)
        return;
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

int Socket::pendingError() noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return errno;
    return error;
}

bool Socket::peekClosed() noexcept {
    char byte;
    const ssize_t got =
        uninterrupted([&] { return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT); });
    if (got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        return true;
    readable_ = false;
    return false;
}

int Socket::release() noexcept {
    return std::exchange(fd_, -1);
}

}  // namespace evergate::net
