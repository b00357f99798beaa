// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/ticker.hpp"

#include <gtest/gtest.h>

namespace evergate::worker {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(Ticker, IsDueAgainAndAgain) {
    net::Poller poller;
    Ticker ticker(poller);
    EXPECT_FALSE(ticker.due());
    const auto start = Clock::now();
    ticker.start(10ms);
    Clock::time_point last = start;
    for (int i = 0; i < 3; ++i) {
        while (!ticker.due())
            poller.wait();
        const auto due = ticker.take();
        EXPECT_FALSE(ticker.due());
        EXPECT_GE(due - last, 10ms);
        EXPECT_LE(due, Clock::now());
        last = due;
    }
}

TEST(Ticker, OneTickStandsForAllThatWereMissed) {
    net::Poller poller;
    Ticker ticker(poller);
    ticker.start(1ms);
    const auto started = Clock::now();
    while (Clock::now() - started < 20ms) {
    }
    const auto late = Clock::now();
    poller.wait();
    ASSERT_TRUE(ticker.due());
    EXPECT_LE(ticker.take(), started + 1ms) << "the first that was missed";
    while (!ticker.due())
        poller.wait();
    EXPECT_GT(ticker.take(), late);
}

}  // namespace
}  // namespace evergate::worker
