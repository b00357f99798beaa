// SPDX-License-Identifier: Apache-2.0
// When to write the last known good configuration, and the writing, off the control thread.
//
// At most one write runs. A config change is written as soon as the last write is done; changes of
// endpoints alone are collected for a second at least. Both wait so long after a slow write that
// writing stays a few percent of one CPU. A failed write is reported and tried again with the next
// change or after half a minute; traffic does not notice.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/process/logging.hpp"
#include "dataplane/control/last_known_good.hpp"

namespace evergate::dataplane {

class StateWriter {
public:
    using Collect = std::function<SavedConfig()>;  // what is applied now

    StateWriter(boost::asio::io_context& io, std::string directory, Collect collect,
                process::Logger logger);
    ~StateWriter();

    void changed(model::Lane lane);
    // Writes what is not written yet, now, and waits for it.
    void flush();

    std::uint64_t writes() const noexcept { return writes_; }

    std::uint64_t failures() const noexcept { return failures_; }

private:
    using Clock = std::chrono::steady_clock;

    void arm(Clock::time_point at);
    void write();
    void written(boost::system::error_code error, Clock::duration took);

    boost::asio::io_context& io_;
    LastKnownGood files_;
    Collect collect_;
    process::Logger logger_;
    boost::asio::steady_timer timer_;
    Clock::time_point armedFor_ = Clock::time_point::max();
    Clock::time_point lastEnd_{};
    Clock::duration lastTook_{};
    std::uint64_t writes_ = 0;
    std::uint64_t failures_ = 0;
    bool writing_ = false;
    bool configWaits_ = false;
    bool endpointsWait_ = false;
    // Handlers that are queued when we go look at it.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
    boost::asio::thread_pool thread_{1};
};

}  // namespace evergate::dataplane
