// SPDX-License-Identifier: Apache-2.0
// The endpoint of a load generator that is its own: every request is answered with 128 bytes, in
// the generator's thread, so that the two never wait for one another's turn on a core. The answer
// says for how many nanoseconds the request was there before it was answered (kHeld).
#pragma once

#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <unordered_map>

#include "tests/bench/client/arguments.hpp"
#include "tests/bench/client/arrival.hpp"

namespace evergate::bench {

class OwnEndpoint {
public:
    // `port` of 127.0.0.1; events come from `epoll`, with eventMark() and the descriptor as data.
    OwnEndpoint(double port, int epoll) : epoll_(epoll) {
        const sockaddr_in address = loopback(port);
        const int one = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, SOMAXCONN) != 0)
            fail("endpoint: " + std::string(std::strerror(errno)));
        watch(listener_);
    }

    static constexpr std::string_view kHeld = "X-Held: ";

    static constexpr std::uint64_t eventMark() { return std::uint64_t{1} << 32; }

    void handle(std::uint64_t data) {
        const int fd = static_cast<int>(data & ~eventMark());
        if (fd == listener_)
            accept();
        else
            receive(fd);
    }

private:
    void watch(int fd) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = eventMark() | static_cast<std::uint64_t>(fd);
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }

    void accept() {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        const int one = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        noteArrivals(fd);
        inputs_[fd].clear();
        watch(fd);
    }

    void receive(int fd) {
        std::array<char, 16384> buffer;
        KernelTime arrived{};
        const auto got = receiveNoting(fd, buffer.data(), buffer.size(), arrived);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            inputs_.erase(fd);
            ::close(fd);
            return;
        }
        std::string& input = inputs_[fd];
        input.append(buffer.data(), static_cast<std::size_t>(got));
        if (!input.ends_with("\r\n\r\n"))  // no bodies, and one request at a time
            return;
        input.clear();
        answer(fd, arrived);
    }

    static void answer(int fd, KernelTime arrived) {
        static constexpr int kBody = 128;
        std::array<char, 512> text;
        const int size = std::snprintf(
            text.data(), text.size(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
            "%s%lld\r\n\r\n%0*d",
            kBody, kHeld.data(), static_cast<long long>((kernelNow() - arrived).count()), kBody, 0);
        if (::send(fd, text.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) < 0 &&
            errno != EPIPE && errno != ECONNRESET)
            fail("endpoint: send: " + std::string(std::strerror(errno)));
    }

    const int epoll_;
    const int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    std::unordered_map<int, std::string> inputs_;  // by connection: the request so far
};

}  // namespace evergate::bench
