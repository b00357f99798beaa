// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/event_stream.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "controller/marathon/event.hpp"

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::marathon {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

EventStream::EventStream(asio::any_io_executor executor, Masters masters, EventStreamTuning tuning,
                         process::Backoff::Random random, EventStreamSink& sink)
    : executor_(std::move(executor)),
      masters_(std::move(masters)),
      tuning_(std::move(tuning)),
      backoff_(tuning_.minPause, tuning_.maxPause, std::move(random)),
      timer_(executor_),
      sink_(&sink) {}

void EventStream::launch(const std::shared_ptr<EventStream>& stream) {
    // Nothing throws in there but for want of memory: out of the event loop with it.
    asio::co_spawn(stream->executor_, run(stream), [](std::exception_ptr thrown) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    });
}

void EventStream::stop() {
    sink_ = nullptr;
    timer_.cancel();
    if (active_ != nullptr) {
        active_->cancel();
    }
}

asio::awaitable<void> EventStream::run(std::shared_ptr<EventStream> self) {
    while (self->sink_ != nullptr) {
        const auto began = Clock::now();
        const auto reason = co_await self->listen();
        if (self->sink_ == nullptr) {
            break;
        }
        self->sink_->onStreamEnd(reason);
        // A master that is about to give up leadership accepts and closes at once: no hurry then.
        if (Clock::now() - began >= self->tuning_.proven) {
            self->backoff_.reset();
        }
        self->timer_.expires_after(self->backoff_.next());
        co_await self->timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

asio::awaitable<std::string> EventStream::listen() {
    const auto at = next_++ % masters_.urls.size();
    co_return co_await listenTo(masters_.urls[at], "/v2/events?" + eventQuery(), true, 2);
}

asio::awaitable<std::string> EventStream::listenTo(client::ServerUrl server, std::string target,
                                                   bool showPassword, int hops) {
    bool tooLong = false;
    EventStreamParser parser([this](const StreamEvent& event) {
        if (sink_ != nullptr) {
            sink_->onStreamEvent(event);
        }
    });
    client::HttpRequest request;
    request.target = target;
    // Jetty compares for equality: any other value is answered with 405.
    request.headers = "Accept: text/event-stream\r\nCache-Control: no-cache\r\n";
    if (showPassword) {
        request.headers += masters_.authorizationLine();
    }
    request.deadlines = tuning_.deadlines;
    request.deadlines.silence = tuning_.heartbeatTimeout;
    client::HttpClient::OnOpen onOpen = [this, name = server.text()] {
        if (sink_ != nullptr) {
            sink_->onStreamOpen(name);
        }
    };
    client::HttpClient::OnBody onBody = [this, &parser, &tooLong](std::string_view piece) {
        tooLong = !parser.feed(piece);
        return !tooLong && sink_ != nullptr;
    };
    client::HttpClient client(executor_, masters_.access(server));
    active_ = &client;
    const auto answer =
        co_await client.send(std::move(request), std::move(onOpen), std::move(onBody));
    active_ = nullptr;
    const auto name = server.text() + ": ";
    if (sink_ != nullptr && answer.status / 100 == 3 && hops > 0 && answer.error.empty()) {
        if (auto there = followRedirect(masters_, server, target, answer.location)) {
            co_return co_await listenTo(std::move(there->server), std::move(there->target),
                                        showPassword && there->showPassword, hops - 1);
        }
        co_return name + "redirects to nowhere we would go";
    }
    if (tooLong) {
        co_return name + "an event is too long";
    }
    if (!answer.error.empty()) {
        co_return name + answer.error;
    }
    co_return answer.status == 200 ? name + "ended the stream"
                                   : name + "answered " + std::to_string(answer.status);
}

}  // namespace evergate::controller::marathon
