// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/ticker.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace evergate::worker {

namespace {

timespec toTimespec(std::chrono::nanoseconds time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    return {seconds.count(), (time - seconds).count()};
}

[[noreturn]] void fail(const char* what) {
    const std::error_code error(errno, std::system_category());
    throw std::system_error(error, what);  // layering: allow throw: at start only
}

}  // namespace

Ticker::Ticker(net::Poller& poller)
    : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (!timer_)
        fail("timerfd_create");
    if (const std::error_code error = poller.addListener(timer_.fd(), *this))
        throw std::system_error(error, "epoll_ctl");  // layering: allow throw: at start only
}

void Ticker::start(std::chrono::milliseconds period) {
    period_ = period;
    next_ = std::chrono::steady_clock::now() + period;
    const itimerspec when{toTimespec(period), toTimespec(next_.time_since_epoch())};
    if (::timerfd_settime(timer_.fd(), TFD_TIMER_ABSTIME, &when, nullptr) != 0)
        fail("timerfd_settime");
}

void Ticker::onEvents(std::uint32_t) {
    std::uint64_t passed = 0;
    if (::read(timer_.fd(), &passed, sizeof passed) != sizeof passed || passed == 0)
        return;
    if (!due_)
        dueAt_ = next_;
    due_ = true;
    next_ += static_cast<std::int64_t>(passed) * period_;
}

}  // namespace evergate::worker
