// SPDX-License-Identifier: Apache-2.0
// Writes back into the cluster, while we lead: Ingress statuses and Events. Nothing waits for it.
//
// Controller thread. One request at a time, with a client of its own; each is preceded by a look at
// whether we still lead, and one under way is broken off when we cease to. What to write is decided
// by StatusPlan and EventLedger; this class feeds and performs.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/process/logging.hpp"
#include "controller/writeback/event_ledger.hpp"
#include "controller/writeback/leader_elector.hpp"
#include "controller/writeback/problem_events.hpp"
#include "controller/writeback/publish_address.hpp"
#include "controller/writeback/status_plan.hpp"
#include "controller/writeback/write_pace.hpp"

namespace evergate::controller::writeback {

struct WritebackTuning {
    std::chrono::milliseconds holdoff{100};             // changes are gathered for so long
    std::chrono::milliseconds serviceInterval{10'000};  // --publish-service is read so often
    EventTuning events;
};

struct WritebackOptions {
    kubernetes::ClusterConfig cluster;
    bool election = true;  // false: we are the only one, and lead
    LeaseOptions lease;
    TranslateOptions translate;
    Addresses addresses;                       // to publish; or
    std::optional<ObjectName> publishService;  // read them from this one; or neither: no statuses
    WritebackTuning tuning;
    process::Logger logger;
};

// What it reads of the rest of the controller.
struct WritebackInputs {
    std::function<const ObjectStore&()> store;
    // Of the configuration that has everything in the store; nothing while it is being built.
    std::function<std::optional<std::uint64_t>()> serial;
    // Up to which serial every live data plane has acknowledged.
    std::function<std::uint64_t()> acknowledged;
    std::function<ProblemSet()> problems;
};

struct WritebackCounters {
    std::uint64_t statusWritten = 0;
    std::uint64_t statusConflicts = 0;
    std::uint64_t statusFailed = 0;
    std::uint64_t eventsCreated = 0;
    std::uint64_t eventsRepeated = 0;
    std::uint64_t eventsFailed = 0;
    std::uint64_t eventsDropped = 0;
};

struct LeaderStatus {
    bool election = true;
    bool leading = false;
    bool candidate = true;
    std::string identity;
    std::string holder;
    std::string nameSpace;
    std::string lease;
    std::string trouble;  // of the election; empty: none
    Addresses addresses;
    WritebackCounters counters;
};

class Writeback {
public:
    Writeback(boost::asio::any_io_executor executor, WritebackOptions options,
              WritebackInputs inputs);

    // A shared pointer to something mutable, against the rule: coroutines may still have to end
    // when the owner is already gone.
    static void launch(const std::shared_ptr<Writeback>& self);

    // The store, or the problems, may have changed.
    void changed();
    // Data planes may have come, gone or acknowledged more.
    void acknowledged();

    bool leading() const;
    LeaderStatus status() const;

    // Gives the lease away; ends within `grace`. Nothing is called after stop().
    static boost::asio::awaitable<void> release(std::shared_ptr<Writeback> self,
                                                std::chrono::milliseconds grace);
    void stop();

private:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;

    static boost::asio::awaitable<void> run(std::shared_ptr<Writeback> self);
    void onLeadership();
    void reconsider();
    bool lookDue(Time now) const;
    void look(Time now);
    void announceEffective(Time now);
    boost::asio::awaitable<bool> writeOne();
    boost::asio::awaitable<void> writeStatus(StatusWrite write);
    boost::asio::awaitable<void> writeEvent(EventWrite write);
    void concludeEvent(const EventWrite& write, const ApiResult& result, Time now);
    boost::asio::awaitable<void> readService();
    Time nextDue(Time now) const;
    boost::asio::awaitable<void> pause(Time until);
    void wake();

    WritebackOptions options_;
    WritebackInputs inputs_;
    kubernetes::ApiClient client_;
    std::shared_ptr<LeaderElector> elector_;  // null: no election
    StatusPlan plan_;
    EventLedger ledger_;
    WritePace pace_;
    TokenBucket statusBucket_;
    boost::asio::steady_timer timer_;
    std::optional<Time> changedAt_;  // of the oldest change not looked at
    std::uint64_t seenAcknowledged_ = 0;
    Time serviceDue_{};
    std::string serviceTrouble_;
    bool hasKeyProblems_ = false;
    bool eventsTurn_ = false;
    bool stopped_ = false;
    WritebackCounters counters_;
};

}  // namespace evergate::controller::writeback
