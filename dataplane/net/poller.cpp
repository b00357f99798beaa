// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "dataplane/net/timer_wheel.hpp"

namespace evergate::net {
namespace {

// The thread's other work gets its turn between two of them.
constexpr int kBatch = 256;

// A worker cannot start without; the composition root reports it.
Socket checked(int fd, const char* what) {
    if (fd >= 0)
        return Socket(fd);
    const std::error_code error(errno, std::system_category());
    throw std::system_error(error, what);  // layering: allow throw: at start only
}

}  // namespace

Poller::Poller()
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wakeUps_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
    if (const auto error = registerFd(wakeUps_.fd(), EPOLLIN | EPOLLET, onWakeUp_))
        throw std::system_error(error, "epoll_ctl");  // layering: allow throw: at start only
}

Poller::~Poller() {
    hooks_.clear();
    inTurn_ = true;  // what dies now may retire more; nobody need wake up any more
    while (!retired_.empty()) {
        reaping_.swap(retired_);
        reaping_.clear();
    }
}

void Poller::wakeUp() noexcept {
    const std::uint64_t one = 1;
    // It fails only when it is full, after 2^64 of them.
    [[maybe_unused]] const ssize_t wrote = ::write(wakeUps_.fd(), &one, sizeof one);
}

std::error_code Poller::add(int fd, EventHandler& handler) {
    return registerFd(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, handler);
}

std::error_code Poller::addListener(int fd, EventHandler& handler) {
    return registerFd(fd, EPOLLIN, handler);
}

std::error_code Poller::registerFd(int fd, std::uint32_t mask, EventHandler& handler) {
    epoll_event event{};
    event.events = mask;
    event.data.ptr = &handler;
    if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) != 0)
        return {errno, std::system_category()};
    return {};
}

void Poller::remove(int fd) noexcept {
    epoll_event unused{};
    ::epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, fd, &unused);
}

void Poller::retire(std::unique_ptr<Retirable> object) {
    assert(object && !object->retired_);
    object->retired_ = true;
    retired_.push_back(std::move(object));
    if (!inTurn_)
        wakeUp();
}

void Poller::atTurnEnd(TurnEndHook& hook) {
    if (hook.is_linked())
        return;
    hooks_.push_back(hook);
    if (!inTurn_)
        wakeUp();
}

void Poller::runOnce(int timeout) {
    std::array<epoll_event, kBatch> batch;
    int count = 0;
    do {
        count = ::epoll_wait(epoll_.fd(), batch.data(), kBatch, timeout);
    } while (count < 0 && errno == EINTR);
    assert(count >= 0);
    if (count > 0)
        dispatch(batch.data(), count);
}

void Poller::dispatch(const epoll_event* events, int count) {
    ++loops_;
    events_ += static_cast<std::uint64_t>(count);
    if (wheel_)
        wheel_->setNow(std::chrono::steady_clock::now());
    inTurn_ = true;
    if (beforeEvents_)
        beforeEvents_();
    for (int i = 0; i < count; ++i) {
        auto& handler = *static_cast<EventHandler*>(events[i].data.ptr);
        if (!handler.retired())
            handler.onEvents(events[i].events);
    }
    endTurn();
    inTurn_ = false;
}

void Poller::endTurn() {
    while (!hooks_.empty()) {
        TurnEndHook& hook = hooks_.front();
        hooks_.pop_front();
        hook.onTurnEnd();
    }
    while (!retired_.empty()) {
        reaping_.swap(retired_);
        reaping_.clear();
    }
}

}  // namespace evergate::net
