// SPDX-License-Identifier: Apache-2.0
#include "common/process/task_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sstream>

namespace evergate::process {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
constexpr std::chrono::hours kForever{1};

asio::awaitable<void> waitForever(int& ended) {
    asio::steady_timer timer(co_await asio::this_coro::executor, kForever);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    ++ended;
}

asio::awaitable<void> waitForeverUnlessCutOff(int& ended) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_await waitForever(ended);
}

asio::awaitable<void> throwNow() {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    throw std::runtime_error("broken");
}

class TaskGroupTest : public testing::Test {
protected:
    // Runs `task` and everything it starts to the end.
    template <typename T>
    T await(asio::awaitable<T> task) {
        std::optional<T> result;
        asio::co_spawn(io_, std::move(task), [&](const std::exception_ptr& error, T value) {
            ASSERT_FALSE(error);
            result = value;
        });
        io_.restart();
        io_.run();
        return result.value();
    }

    std::ostringstream log_;
    Logger logger_ = Logging(spdlog::level::info, LogFormat::text,
                             std::make_shared<spdlog::sinks::ostream_sink_mt>(log_))
                         .logger("test");
    asio::io_context io_{1};
    TaskGroup group_{io_.get_executor(), logger_};
};

TEST_F(TaskGroupTest, StopsTasksThatListen) {
    int ended = 0;
    group_.spawn("a", waitForever(ended));
    group_.spawn("b", waitForever(ended));
    EXPECT_EQ(group_.size(), 2U);
    io_.poll();
    EXPECT_TRUE(await(group_.stop(kForever)));
    EXPECT_EQ(ended, 2);
    EXPECT_EQ(group_.size(), 0U);
    EXPECT_EQ(log_.str(), "");
}

TEST_F(TaskGroupTest, StopsATaskThatHasNotRunYet) {
    int ended = 0;
    group_.spawn("a", waitForever(ended));
    group_.requestStop();
    EXPECT_TRUE(await(group_.join(kForever)));
    EXPECT_EQ(ended, 0);
}

TEST_F(TaskGroupTest, CutsOffTasksThatFinishSomething) {
    int ended = 0;
    group_.spawn("a", waitForeverUnlessCutOff(ended));
    io_.poll();
    EXPECT_FALSE(await(group_.stop(milliseconds(1))));
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroupTest, StartsNothingAfterAStop) {
    group_.requestStop();
    EXPECT_TRUE(group_.stopping());
    int ended = 0;
    group_.spawn("late", waitForever(ended));
    EXPECT_EQ(group_.size(), 0U);
    EXPECT_TRUE(await(group_.join(kForever)));
}

TEST_F(TaskGroupTest, JoinGivesUpAtItsDeadline) {
    int ended = 0;
    group_.spawn("a", waitForever(ended));
    const auto join = [](TaskGroup& group) -> asio::awaitable<bool> {
        const bool joined = co_await group.join(milliseconds(1));
        group.requestHardStop();
        co_return joined;
    };
    EXPECT_FALSE(await(join(group_)));
}

TEST_F(TaskGroupTest, LogsWhatEscapesATaskAndKeepsTheOthers) {
    int ended = 0;
    group_.spawn("bad", throwNow());
    group_.spawn("good", waitForever(ended));
    io_.poll();
    EXPECT_EQ(group_.size(), 1U);
    EXPECT_THAT(log_.str(),
                testing::EndsWith("task ended by an exception task=bad error=\"broken\"\n"));
    EXPECT_TRUE(await(group_.stop(kForever)));
}

TEST_F(TaskGroupTest, CountsTasksOnlyWhileTheyRun) {
    const auto nothing = []() -> asio::awaitable<void> { co_return; };
    for (int i = 0; i < 100; ++i) {
        group_.spawn("short", nothing());
    }
    io_.run();
    EXPECT_EQ(group_.size(), 0U);
}

TEST(TaskGroup, MayDieBeforeItsStoppedContext) {
    asio::io_context io(1);
    int ended = 0;
    {
        std::ostringstream out;
        TaskGroup group(io.get_executor(),
                        Logging(spdlog::level::info, LogFormat::text,
                                std::make_shared<spdlog::sinks::ostream_sink_mt>(out))
                            .logger("test"));
        group.spawn("a", waitForever(ended));
        group.spawn("b", waitForeverUnlessCutOff(ended));
        io.poll();
    }
    EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace evergate::process
