// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/socket.hpp"

#include <fcntl.h>
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

IoResult resultOf(ssize_t bytes) noexcept {
    return {bytes, bytes < 0 ? errno : 0};
}

bool isLess(ssize_t bytes, std::size_t expected) noexcept {
    return bytes >= 0 && static_cast<std::size_t>(bytes) < expected;
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
    wireReadable_ = other.wireReadable_;
    wireWritable_ = other.wireWritable_;
    layer_ = std::move(other.layer_);
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
    if (layer_) [[unlikely]] {
        if (epollEvents & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            wireReadable_ = true;
        if (epollEvents & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
            wireWritable_ = true;
            layer_->onWritable(*this);
        }
    }
}

void Socket::setLayer(std::unique_ptr<StreamLayer> layer) noexcept {
    if (layer_) {
        readable_ = wireReadable_;
        writable_ = wireWritable_;
    }
    layer_ = std::move(layer);
    wireReadable_ = readable_;
    wireWritable_ = writable_;
}

IoResult Socket::recv(char* data, std::size_t size) noexcept {
    return layer_ ? layer_->recv(*this, data, size) : wireRecv(data, size);
}

IoResult Socket::wireRecv(char* data, std::size_t size) noexcept {
    const ssize_t got = uninterrupted([&] { return ::recv(fd_, data, size, MSG_DONTWAIT); });
    return received(got, size);
}

IoResult Socket::received(ssize_t bytes, std::size_t expected) noexcept {
    const IoResult result = resultOf(bytes);
    if (result.eof()) {
        hup_ = true;
    } else if (result.wouldBlock() || (isLess(bytes, expected) && !hup_)) {
        readable_ = false;
    }
    return result;
}

IoResult Socket::sent(ssize_t bytes, std::size_t expected) noexcept {
    const IoResult result = resultOf(bytes);
    if (result.wouldBlock() || isLess(bytes, expected))
        writable_ = false;
    return result;
}

IoResult Socket::send(const char* data, std::size_t size) noexcept {
    if (!layer_)
        return wireSend(data, size);
    const iovec part{const_cast<char*>(data), size};
    return layer_->sendv(*this, &part, 1);
}

IoResult Socket::wireSend(const char* data, std::size_t size) noexcept {
    const ssize_t count =
        uninterrupted([&] { return ::send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL); });
    return sent(count, size);
}

IoResult Socket::sendv(const iovec* parts, int count) noexcept {
    if (layer_)
        return layer_->sendv(*this, parts, count);
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

IoResult Socket::spliceTo(int pipe, std::size_t size) noexcept {
    const ssize_t got = uninterrupted([&] {
        return ::splice(fd_, nullptr, pipe, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    });
    return received(got, 0);
}

IoResult Socket::spliceFrom(int pipe, std::size_t size) noexcept {
    const ssize_t count = uninterrupted([&] {
        return ::splice(pipe, nullptr, fd_, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    });
    return sent(count, 0);
}

bool Socket::sendFirst(std::string_view bytes) noexcept {
    const ssize_t sent = uninterrupted(
        [&] { return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
    return sent == static_cast<ssize_t>(bytes.size());
}

void Socket::shutdownWrite() noexcept {
    layer_ ? layer_->shutdownWrite(*this) : wireShutdownWrite();
}

void Socket::wireShutdownWrite() noexcept {
    ::shutdown(fd_, SHUT_WR);
}

void Socket::close() noexcept {
    if (layer_) {
        layer_->closing(*this);
        layer_.reset();
    }
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

void Socket::closeWithReset() noexcept {
    if (fd_ >= 0) {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    layer_.reset();  // says nothing: what was said so far shall not look complete
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
    if (layer_)
        return layer_->peekClosed(*this);
    char byte;
    const ssize_t got =
        uninterrupted([&] { return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT); });
    if (got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        return true;
    readable_ = false;
    return false;
}

int Socket::release() noexcept {
    layer_.reset();
    return std::exchange(fd_, -1);
}

}  // namespace evergate::net
