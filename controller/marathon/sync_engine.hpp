// SPDX-License-Identifier: Apache-2.0
// Keeps a sink in step with Marathon: events say what to read again, answers say what is.
//
// Runs on the controller's thread until stop(); the sink is not called after that. One request at a
// time. What an event or an answer means is decided by the pure parts; this class does it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "common/process/backoff.hpp"
#include "controller/marathon/app_store.hpp"
#include "controller/marathon/event.hpp"
#include "controller/marathon/event_stream.hpp"
#include "controller/marathon/host_resolver.hpp"
#include "controller/marathon/marathon_source.hpp"
#include "controller/marathon/master_client.hpp"

namespace evergate::controller::marathon {

class SyncEngine final : private EventStreamSink {
public:
    // A shared pointer to something mutable, against the rule: the coroutine may still have to end
    // when its owner is already gone.
    static void launch(const std::shared_ptr<SyncEngine>& engine, SourceSink& sink);

    SyncEngine(boost::asio::any_io_executor executor, const Masters& masters,
               MarathonOptions options);

    void relist();
    void stop();
    SourceStatus status() const;

private:
    using Clock = std::chrono::steady_clock;

    static boost::asio::awaitable<void> run(std::shared_ptr<SyncEngine> self);
    boost::asio::awaitable<void> listAll();
    boost::asio::awaitable<void> listOne(std::string appId);
    boost::asio::awaitable<bool> isBelievable(const AppList& list, Clock::time_point asked);
    boost::asio::awaitable<void> resolveHosts();
    boost::asio::awaitable<void> pause(Clock::time_point until);

    void onStreamOpen(const std::string& server) override;
    void onStreamEvent(const StreamEvent& event) override;
    void onStreamEnd(const std::string& reason) override;

    void act(const TaskEnding& news);
    void act(const TaskAlive& news);
    void act(const AppChanged& news);
    void act(const AppGone& news);
    void act(const AnythingChanged& news);

    void wake();
    void wantFullList();
    void failed(const std::string& what);
    void scheduleResync();
    void publish(const AppStore::Change& change, bool full, EventTime since);
    void publishEndpoints(const std::string& appId, EventTime since);

    std::string lookup(const std::string& host) const { return resolver_.lookup(host); }

    AppStore::Now now() const;
    void rest(Clock::time_point asked);
    void note(const std::string& state, bool trouble);

    boost::asio::any_io_executor executor_;
    MarathonOptions options_;
    MarathonTranslate translate_;
    MasterClient client_;
    HostResolver resolver_;
    std::shared_ptr<EventStream> stream_;
    process::Backoff::Random random_;
    process::Backoff backoff_;
    boost::asio::steady_timer timer_;
    SourceSink* sink_ = nullptr;  // null once stopped
    AppStore store_;
    ListGuard guard_;
    std::map<std::string, BackendOwner> owners_;  // of the backends last published

    bool wantFull_ = true;
    std::set<std::string> pending_;     // apps to read again
    EventTime since_{};                 // of the oldest event not yet in an answer
    Clock::time_point notBefore_{};     // of any request, after a failure
    Clock::time_point nextFullFrom_{};  // two full lists keep a distance
    Clock::time_point resyncAt_{};
    bool waiting_ = false;
    bool streamOpen_ = false;
    bool trouble_ = false;
    SourceStatus status_;
};

}  // namespace evergate::controller::marathon
