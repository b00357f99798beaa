// SPDX-License-Identifier: Apache-2.0
#include "common/process/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

namespace evergate::process {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kAfterHardStop{1'000};

// What a task threw, for the log. Empty when it was only cancelled.
std::string describe(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted ? std::string() : error.what();
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor, Logger logger)
    : executor_(std::move(executor)), logger_(std::move(logger)), joined_(executor_) {}

void TaskGroup::spawn(std::string name, asio::awaitable<void> task) {
    if (stopping_) {
        return;
    }
    auto state = std::make_shared<Task>();
    state->name = std::move(name);
    const auto position = tasks_.insert(tasks_.end(), state);
    asio::co_spawn(
        executor_, run(std::move(task)),
        asio::bind_cancellation_slot(state->signal.slot(),
                                     [this, position, state](const std::exception_ptr& exception) {
                                         finish(position, exception);
                                     }));
}

asio::awaitable<void> TaskGroup::run(asio::awaitable<void> task) {
    // Coroutines ignore everything but terminal cancellation unless told otherwise; this holds for
    // what they await too.
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    if (!stopping_) {  // a request before this line found nobody listening
        co_await std::move(task);
    }
}

void TaskGroup::finish(Tasks::iterator task, const std::exception_ptr& exception) {
    const std::shared_ptr<Task> ended = *task;
    tasks_.erase(task);
    if (exception) {
        const std::string what = describe(exception);
        if (!what.empty()) {
            logger_->error("task ended by an exception task={} error=\"{}\"", ended->name, what);
        }
    }
    if (tasks_.empty()) {
        joined_.cancel();
    }
}

void TaskGroup::emit(asio::cancellation_type type) {
    // A cancelled operation completes through the executor and not inside emit(), so that no task
    // ends while this walks the list; the copy makes sure all the same.
    const Tasks copy = tasks_;
    for (const std::shared_ptr<Task>& task : copy) {
        task->signal.emit(type);
    }
}

void TaskGroup::requestStop() {
    stopping_ = true;
    emit(asio::cancellation_type::total);
}

void TaskGroup::requestHardStop() {
    stopping_ = true;
    emit(asio::cancellation_type::terminal);
}

asio::awaitable<bool> TaskGroup::join(std::chrono::milliseconds deadline) {
    if (!tasks_.empty()) {
        joined_.expires_after(deadline);
        co_await joined_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return tasks_.empty();
}

asio::awaitable<bool> TaskGroup::stop(std::chrono::milliseconds grace) {
    requestStop();
    if (co_await join(grace)) {
        co_return true;
    }
    requestHardStop();
    if (!co_await join(kAfterHardStop)) {
        for (const std::shared_ptr<Task>& task : tasks_) {
            logger_->error("task did not end when cancelled task={}", task->name);
        }
    }
    co_return false;
}

}  // namespace evergate::process
