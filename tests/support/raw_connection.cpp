// SPDX-License-Identifier: Apache-2.0
#include "tests/support/raw_connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace evergate::test {

namespace {

constexpr int kDeadlineSeconds = 30;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// A system call that a signal interrupted is made again. (With a deadline set on its socket it is
// interrupted whatever the handler's SA_RESTART says: signal(7).)
template <typename Call>
auto again(const Call& call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR)
            return result;
    }
}

// An interrupted connect goes on by itself; asking for it again would be an error.
bool connectTo(int fd, const sockaddr_in& address) {
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return true;
    if (errno != EINTR)
        return false;
    pollfd entry{fd, POLLOUT, 0};
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    return again([&] { return ::poll(&entry, 1, kDeadlineSeconds * 1'000); }) == 1 &&
           ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

void setDeadline(int fd) {
    const timeval deadline{kDeadlineSeconds, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void setReceiveBuffer(int fd, int bytes) {
    if (bytes != 0)
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

// A listening socket on a free port.
int listenOnLoopback(int backlog, std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(fd, backlog) != 0)
        throw std::runtime_error("no endpoint socket");
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return fd;
}

}  // namespace

void OpenSockets::add(int fd) {
    const std::lock_guard lock(mutex_);
    open_.insert(fd);
    if (ended_)
        ::shutdown(fd, SHUT_RD);
}

void OpenSockets::close(int fd) {
    const std::lock_guard lock(mutex_);
    open_.erase(fd);
    ::close(fd);
}

void OpenSockets::endReads() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (const int fd : open_)
        ::shutdown(fd, SHUT_RD);
}

RawConnection& RawConnection::operator=(RawConnection&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(sockets_, other.sockets_);
    std::swap(held_, other.held_);
    std::swap(tls_, other.tls_);
    std::swap(tlsError_, other.tlsError_);
    return *this;
}

RawConnection RawConnection::connect(std::uint16_t port, int receiveBuffer) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setDeadline(fd);
    setReceiveBuffer(fd, receiveBuffer);
    if (!connectTo(fd, loopback(port))) {
        ::close(fd);
        return RawConnection();
    }
    return RawConnection(fd);
}

bool RawConnection::secure(const TlsOptions& options) {
    tls_ = TlsPeer::client(fd_, options, tlsError_);
    return tls_ != nullptr;
}

bool RawConnection::secureAsServer(const TlsOptions& options) {
    tls_ = TlsPeer::server(fd_, options, tlsError_);
    return tls_ != nullptr;
}

bool RawConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto plain = [&] { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); };
        const ssize_t sent = tls_ ? tls_->send(bytes.data(), bytes.size()) : again(plain);
        if (sent <= 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool RawConnection::fill() {
    char buffer[65536];
    const auto plain = [&] { return ::recv(fd_, buffer, sizeof buffer, 0); };
    const ssize_t got = tls_ ? tls_->recv(buffer, sizeof buffer) : again(plain);
    if (got <= 0)
        return false;
    held_.append(buffer, static_cast<std::size_t>(got));
    return true;
}

std::string RawConnection::readUntil(std::string_view end) {
    std::size_t at = 0;
    while ((at = held_.find(end)) == std::string::npos && fill()) {
    }
    const std::size_t size = at == std::string::npos ? held_.size() : at + end.size();
    std::string bytes = held_.substr(0, size);
    held_.erase(0, size);
    return bytes;
}

std::string RawConnection::readExactly(std::size_t size) {
    while (held_.size() < size && fill()) {
    }
    size = std::min(size, held_.size());
    std::string bytes = held_.substr(0, size);
    held_.erase(0, size);
    return bytes;
}

std::string RawConnection::readAll() {
    while (fill()) {
    }
    return std::exchange(held_, {});
}

std::string RawConnection::readSome() {
    if (held_.empty())
        fill();
    return std::exchange(held_, {});
}

RawConnection::Response RawConnection::readResponse(bool headRequest) {
    Response response;
    response.head = readUntil("\r\n\r\n");
    if (response.head.size() < 12 || !response.head.ends_with("\r\n\r\n"))
        return response;
    response.status = std::atoi(response.head.c_str() + 9);
    const bool bodiless = headRequest || response.status == 204 || response.status == 304 ||
                          response.status / 100 == 1;
    const std::size_t length = response.head.find("Content-Length: ");
    if (bodiless) {
        response.complete = true;
    } else if (response.head.find("Transfer-Encoding: chunked") != std::string::npos) {
        for (;;) {
            const std::string line = readUntil("\r\n");
            if (!line.ends_with("\r\n"))
                return response;
            const std::size_t size = std::strtoul(line.c_str(), nullptr, 16);
            if (size == 0)
                break;
            response.body += readExactly(size);
            readExactly(2);
        }
        std::string line;
        while ((line = readUntil("\r\n")) != "\r\n") {
            if (line.empty())
                return response;
            response.head += line;
        }
        response.complete = true;
    } else if (length != std::string::npos) {
        const std::size_t size = std::strtoul(response.head.c_str() + length + 16, nullptr, 10);
        response.body = readExactly(size);
        response.complete = response.body.size() == size;
    } else {
        response.body = readAll();
        response.complete = true;
    }
    return response;
}

bool RawConnection::eof() {
    char byte = 0;
    if (tls_)
        return held_.empty() && tls_->recv(&byte, 1) == 0;
    return held_.empty() && again([&] { return ::recv(fd_, &byte, 1, 0); }) == 0;
}

void RawConnection::shutdownWrite() {
    if (tls_)
        tls_->sayGoodbye();
    ::shutdown(fd_, SHUT_WR);
}

void RawConnection::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void RawConnection::close() {
    tls_.reset();
    if (fd_ >= 0 && sockets_ != nullptr)
        sockets_->close(fd_);
    else if (fd_ >= 0)
        ::close(fd_);
    fd_ = -1;
}

RawConnection::Next RawConnection::next() {
    if (!held_.empty())
        return Next::data;
    char byte = 0;
    const ssize_t got = again([&] { return ::recv(fd_, &byte, 1, MSG_PEEK); });
    if (got > 0)
        return Next::data;
    if (got == 0)
        return Next::end;
    return errno == ECONNRESET || errno == EPIPE ? Next::reset : Next::nothing;
}

bool RawConnection::quiet() const {
    char byte = 0;
    return held_.empty() && ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

std::size_t RawConnection::stuffFromPeer() const {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::atoi(entry.path().filename().c_str());
        sockaddr_in peer{};
        size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
            peer.sin_family != AF_INET || peer.sin_port != own.sin_port)
            continue;
        const std::string filler(65'536, '.');
        std::size_t sum = 0;
        // What the receiver takes over makes room once more: until nothing moves for a while.
        for (int refused = 0; refused < 20;) {
            const ssize_t sent =
                ::send(fd, filler.data(), filler.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            refused = sent > 0 ? 0 : refused + 1;
            sum += sent > 0 ? static_cast<std::size_t>(sent) : 0;
            if (sent <= 0)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return sum;
    }
    return 0;
}

BlackHole::BlackHole() {
    const sockaddr_in address = loopback(listener_.port());
    for (int i = 0; i < 4; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        [[maybe_unused]] const int ignored =
            ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        queued_.push_back(fd);
    }
}

BlackHole::~BlackHole() {
    for (const int fd : queued_)
        ::close(fd);
}

RawListener::RawListener(int backlog) {
    fd_ = listenOnLoopback(backlog, port_);
    setDeadline(fd_);
}

RawListener::~RawListener() {
    ::close(fd_);
}

RawConnection RawListener::accept(int receiveBuffer) {
    const int fd = again([&] { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); });
    if (fd < 0)
        return RawConnection();
    setDeadline(fd);
    setReceiveBuffer(fd, receiveBuffer);
    return RawConnection(fd);
}

int RawListener::acceptNow() const {
    pollfd entry{fd_, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1 ? ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
}

ScriptedEndpoint::ScriptedEndpoint(Script script) : script_(std::move(script)) {
    fd_ = listenOnLoopback(256, port_);
    thread_ = std::thread([this] { run(); });
}

ScriptedEndpoint::~ScriptedEndpoint() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
    sockets_.endReads();
    for (std::thread& connection : connections_)
        connection.join();
}

void ScriptedEndpoint::run() {
    for (;;) {
        const int fd = again([&] { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); });
        if (fd < 0)
            return;
        setDeadline(fd);
        const int index = accepted_++;
        connections_.emplace_back([this, fd, index] {
            RawConnection connection(fd, sockets_);
            script_(connection, index);
        });
    }
}

ScriptedEndpoint::Script answerAll(std::string body) {
    return [body = std::move(body)](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n")) {
            const std::string head =
                "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
            if (!connection.send(head + body))
                return;
        }
    };
}

ScriptedEndpoint::Script tellHead() {
    return [](RawConnection& connection, int) {
        for (;;) {
            const std::string head = connection.readUntil("\r\n\r\n");
            if (!head.ends_with("\r\n\r\n") ||
                !connection.send("HTTP/1.1 200 OK\r\nContent-Length: " +
                                 std::to_string(head.size()) + "\r\n\r\n" + head))
                return;
        }
    };
}

}  // namespace evergate::test
