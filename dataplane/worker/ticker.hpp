// SPDX-License-Identifier: Apache-2.0
// A worker's clock: a periodic timerfd among the descriptors its poller waits for, set once.
//
// Its event only notes that a tick is due: the worker runs it when the batch of events is over. A
// late worker gets one tick for all that it missed. One thread.
#pragma once

#include <chrono>

#include "dataplane/net/poller.hpp"

namespace evergate::worker {

class Ticker final : public net::EventHandler {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    // Throws std::system_error when no descriptor can be had. The poller outlives the ticker.
    explicit Ticker(net::Poller& poller);

    // The first tick is a period from now.
    void start(std::chrono::milliseconds period);

    bool due() const noexcept { return due_; }

    // When the tick that is due should have been, at the latest.
    TimePoint take() noexcept {
        due_ = false;
        return dueAt_;
    }

    void onEvents(std::uint32_t events) override;

private:
    net::Socket timer_;
    std::chrono::milliseconds period_{0};
    TimePoint next_;
    TimePoint dueAt_;
    bool due_ = false;
};

}  // namespace evergate::worker
