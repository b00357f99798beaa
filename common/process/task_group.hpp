// SPDX-License-Identifier: Apache-2.0
// Spawns coroutines and ends them: ask to stop, wait with a deadline, then cut off.
//
// One thread: that of the executor. Asking to stop cancels whatever a task awaits (it sees
// operation_aborted, and every await after that throws it). A task that wants to finish something
// first turns that off with
//     co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
// and is then ended by the hard stop only. An exception that escapes a task is logged and ends that
// task alone. Destroy the group when it is empty, or when its io_context runs no more.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <list>
#include <memory>
#include <string>

#include "common/process/logging.hpp"

namespace evergate::process {

class TaskGroup {
public:
    TaskGroup(boost::asio::any_io_executor executor, Logger logger);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Starts a task; `name` is for the log. After requestStop() the task is dropped without
    // running.
    void spawn(std::string name, boost::asio::awaitable<void> task);

    // Asks every task to stop.
    void requestStop();
    // Cancels every task, those that had turned it off too.
    void requestHardStop();

    bool stopping() const noexcept { return stopping_; }

    std::size_t size() const noexcept { return tasks_.size(); }

    // True when every task has ended within `deadline`. One call at a time.
    boost::asio::awaitable<bool> join(std::chrono::milliseconds deadline);
    // All of it: ask, wait up to `grace`, cut off. True when nothing had to be cut off.
    boost::asio::awaitable<bool> stop(std::chrono::milliseconds grace);

private:
    struct Task {
        std::string name;
        boost::asio::cancellation_signal signal;
    };

    using Tasks = std::list<std::shared_ptr<Task>>;

    boost::asio::awaitable<void> run(boost::asio::awaitable<void> task);
    void emit(boost::asio::cancellation_type type);
    void finish(Tasks::iterator task, const std::exception_ptr& exception);

    boost::asio::any_io_executor executor_;
    Logger logger_;
    // Shared with each task's completion handler: the signal's slot has to outlive the coroutine,
    // which may be destroyed by its io_context after this group.
    Tasks tasks_;
    boost::asio::steady_timer joined_;  // cancelled when the last task ends
    bool stopping_ = false;
};

}  // namespace evergate::process
