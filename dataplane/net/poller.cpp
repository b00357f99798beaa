// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/poller.hpp"

#include <sys/epoll.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cassert>
#include <cerrno>
#include <utility>

#include "dataplane/net/timer_wheel.hpp"

namespace evergate::net {
namespace {

constexpr int kBatch = 256;
// After so many full batches the other work of the io_context gets a turn.
constexpr int kBatchesPerTurn = 4;

int createEpoll() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd >= 0)
        return fd;
    // A worker cannot start without; the composition root reports it.
    const std::error_code error(errno, std::system_category());
    throw std::system_error(error, "epoll_create1");  // layering: allow throw: at start only
}

}  // namespace

Poller::Poller(boost::asio::io_context& context)
    : context_(context),
      descriptor_(context, createEpoll()),
      alive_(std::make_shared<const int>(0)) {
    rearm();
}

Poller::~Poller() {
    alive_.reset();
    hooks_.clear();
    inBatch_ = true;  // what dies now may retire more; nothing is posted any more
    while (!retired_.empty()) {
        reaping_.swap(retired_);
        reaping_.clear();
    }
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
    if (::epoll_ctl(descriptor_.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0)
        return {errno, std::system_category()};
    return {};
}

void Poller::remove(int fd) noexcept {
    epoll_event unused{};
    ::epoll_ctl(descriptor_.native_handle(), EPOLL_CTL_DEL, fd, &unused);
}

void Poller::retire(std::unique_ptr<Retirable> object) {
    assert(object && !object->retired_);
    object->retired_ = true;
    retired_.push_back(std::move(object));
    scheduleEndTurn();
}

void Poller::atTurnEnd(TurnEndHook& hook) {
    if (hook.is_linked())
        return;
    hooks_.push_back(hook);
    scheduleEndTurn();
}

void Poller::scheduleEndTurn() {
    if (inBatch_ || endTurnPosted_)
        return;
    endTurnPosted_ = true;
    boost::asio::post(context_, [this, guard = std::weak_ptr<const int>(alive_)] {
        if (guard.expired())
            return;
        endTurnPosted_ = false;
        inBatch_ = true;
        endTurn();
        inBatch_ = false;
    });
}

void Poller::rearm() {
    descriptor_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [this, guard = std::weak_ptr<const int>(alive_)](const boost::system::error_code& error) {
            if (!error && !guard.expired())
                onReadable();
        });
}

void Poller::onReadable() {
    std::array<epoll_event, kBatch> batch;
    int count = kBatch;
    for (int round = 0; round < kBatchesPerTurn && count == kBatch; ++round) {
        do {
            count = ::epoll_wait(descriptor_.native_handle(), batch.data(), kBatch, 0);
        } while (count < 0 && errno == EINTR);
        assert(count >= 0);
        if (count > 0)
            dispatch(batch.data(), count);
    }
    rearm();
}

void Poller::dispatch(const epoll_event* events, int count) {
    ++loops_;
    events_ += static_cast<std::uint64_t>(count);
    if (wheel_)
        wheel_->setNow(std::chrono::steady_clock::now());
    inBatch_ = true;
    for (int i = 0; i < count; ++i) {
        auto& handler = *static_cast<EventHandler*>(events[i].data.ptr);
        if (!handler.retired())
            handler.onEvents(events[i].events);
    }
    endTurn();
    inBatch_ = false;
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
