// SPDX-License-Identifier: Apache-2.0
// Keeps a connection to Marathon's event stream: the next master after each end, with backoff, and
// never waiting on a silent one.
//
// Runs on the controller's thread until stop(). The sink is not called after that.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "common/process/backoff.hpp"
#include "controller/client/http_client.hpp"
#include "controller/marathon/event_stream_parser.hpp"
#include "controller/marathon/masters.hpp"

namespace evergate::controller::marathon {

class EventStreamSink {
public:
    virtual ~EventStreamSink() = default;
    // Connected: events from now on will be heard, those before are lost.
    virtual void onStreamOpen(const std::string& server) = 0;
    virtual void onStreamEvent(const StreamEvent& event) = 0;
    // Ended, or could not be opened.
    virtual void onStreamEnd(const std::string& reason) = 0;
};

struct EventStreamTuning {
    std::chrono::milliseconds heartbeatTimeout{30'000};  // Marathon sends something every 10 s
    std::chrono::milliseconds minPause{100};
    std::chrono::milliseconds maxPause{10'000};
    // A stream that stood for so long was a good one: the next pause is short again.
    std::chrono::milliseconds proven{10'000};
    client::HttpDeadlines deadlines;
};

class EventStream {
public:
    // A shared pointer to something mutable, against the rule: the coroutine may still have to end
    // when its owner is already gone.
    static void launch(const std::shared_ptr<EventStream>& stream);

    EventStream(boost::asio::any_io_executor executor, Masters masters, EventStreamTuning tuning,
                process::Backoff::Random random, EventStreamSink& sink);

    void stop();

private:
    static boost::asio::awaitable<void> run(std::shared_ptr<EventStream> self);
    boost::asio::awaitable<std::string> listen();
    boost::asio::awaitable<std::string> listenTo(client::ServerUrl server, std::string target,
                                                 bool showPassword, int hops);

    boost::asio::any_io_executor executor_;
    Masters masters_;
    EventStreamTuning tuning_;
    process::Backoff backoff_;
    boost::asio::steady_timer timer_;
    EventStreamSink* sink_;  // null once stopped
    client::HttpClient* active_ = nullptr;
    std::size_t next_ = 0;
};

}  // namespace evergate::controller::marathon
