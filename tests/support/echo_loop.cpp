// SPDX-License-Identifier: Apache-2.0
#include "tests/support/echo_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <system_error>

#include "dataplane/net/listen.hpp"

namespace evergate::test {
namespace {

constexpr std::uint64_t kWakeUp = std::numeric_limits<std::uint64_t>::max();

}  // namespace

EchoLoop::EchoLoop(const std::string& name, EchoServer::Counters& counters)
    : name_(name),
      counters_(counters),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wakeUp_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    watch(wakeUp_.fd(), kWakeUp, EPOLLIN);
}

void EchoLoop::watch(int fd, std::uint64_t id, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) != 0)
        throw std::system_error(errno, std::system_category(), "epoll_ctl");
}

void EchoLoop::addListener(int fd, bool raw) {
    watch(fd, listeners_.size(), EPOLLIN);
    listeners_.push_back({net::Socket(fd), raw});
}

void EchoLoop::run() {
    std::array<epoll_event, 256> events;
    while (!stopped_) {
        const int count =
            ::epoll_wait(epoll_.fd(), events.data(), static_cast<int>(events.size()), waitTime());
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            onEvent(event.data.u64, event.events);
        }
        resumeDue();
    }
}

void EchoLoop::stop() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wakeUp_.fd(), &one, sizeof one);
}

int EchoLoop::waitTime() const {
    if (delays_.empty())
        return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(delays_.top().due - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void EchoLoop::onEvent(std::uint64_t id, std::uint32_t events) {
    if (id == kWakeUp) {
        stopped_ = true;
        return;
    }
    if (id < listeners_.size())
        return acceptAll(listeners_[id]);
    const auto it = connections_.find(id);
    if (it == connections_.end())
        return;
    it->second->onEvents(events);
    reap(*it->second);
}

void EchoLoop::acceptAll(Listener& listener) {
    for (;;) {
        net::SocketAddress peer;
        net::Socket socket(net::acceptOne(listener.socket.fd(), peer));
        if (!socket)
            return;
        const std::uint64_t id = nextId_++;
        const int fd = socket.fd();
        ++counters_.connections;
        ++counters_.open;
        auto& connection = connections_[id] =
            std::make_unique<EchoConnection>(*this, std::move(socket), id, listener.raw);
        connection->onEvents(0);  // the first request is often there already
        if (!connection->closed())
            watch(fd, id, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        reap(*connection);
    }
}

void EchoLoop::reap(EchoConnection& connection) {
    if (!connection.closed())
        return;
    --counters_.open;
    connections_.erase(connection.id());
}

void EchoLoop::delay(EchoConnection& connection, std::chrono::milliseconds time) {
    delays_.push({Clock::now() + time, connection.id()});
}

void EchoLoop::resumeDue() {
    while (!delays_.empty() && delays_.top().due <= Clock::now()) {
        const auto it = connections_.find(delays_.top().connection);
        delays_.pop();
        if (it == connections_.end())
            continue;
        it->second->resume();
        reap(*it->second);
    }
}

void EchoLoop::countRequest() {
    counters_.requests.fetch_add(1, std::memory_order_relaxed);
}

std::string EchoLoop::statistics() const {
    return "connections " + std::to_string(counters_.connections) + "\nrequests " +
           std::to_string(counters_.requests) + "\nopen " + std::to_string(counters_.open) + "\n";
}

}  // namespace evergate::test
