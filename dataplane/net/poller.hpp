// SPDX-License-Identifier: Apache-2.0
// The worker's own edge-triggered epoll instance: where its thread waits, for everything.
//
// Sockets are registered once (IN|OUT|RDHUP|ET) and never modified; closing a descriptor removes
// it. Belongs to one thread; only wakeUp() may be called by others. Objects that may still be named
// by an event of the current batch are not deleted but retired: they get no further events and are
// destroyed when the batch is over.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "dataplane/net/socket.hpp"

struct epoll_event;

namespace evergate::net {

class Poller;
class TimerWheel;

// Anything that must survive until the events, timers and calls that may still refer to it are
// done.
class Retirable {
public:
    Retirable() = default;
    Retirable(const Retirable&) = delete;
    Retirable& operator=(const Retirable&) = delete;
    virtual ~Retirable() = default;

    bool retired() const noexcept { return retired_; }

private:
    friend class Poller;
    bool retired_ = false;
};

class EventHandler : public Retirable {
public:
    // `events` is the epoll mask. May close, retire or register anything, this handler included.
    virtual void onEvents(std::uint32_t events) = 0;
};

// Work to be done once when the current turn (a batch of events) is over (say: flush what the
// batch produced). Destroying a queued hook takes it off the queue.
class TurnEndHook : public boost::intrusive::list_base_hook<
                        boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    TurnEndHook() = default;
    TurnEndHook(const TurnEndHook&) = delete;
    TurnEndHook& operator=(const TurnEndHook&) = delete;
    virtual ~TurnEndHook() = default;
    virtual void onTurnEnd() = 0;
};

class Poller {
public:
    // Throws std::system_error when no descriptors can be had.
    Poller();
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    // The wheel is told the time at the start of every batch, so that deadlines armed by event
    // handlers count from then. The wheel outlives the poller.
    void keepTimeFor(TimerWheel& wheel) noexcept { wheel_ = &wheel; }

    // Called in every batch before its events: what other threads asked for before those came.
    void beforeEvents(std::function<void()> work) { beforeEvents_ = std::move(work); }

    // Dispatches one batch of events and ends the turn. When there is none: comes back, or waits
    // for one.
    void poll() { runOnce(0); }

    void wait() { runOnce(-1); }

    // A turn without events, for other work of the thread: what it retires and queues is done at
    // its end.
    template <typename Work>
    void turn(Work&& work) {
        inTurn_ = true;
        work();
        endTurn();
        inTurn_ = false;
    }

    // Any thread: the wait() under way, or else the next one, comes back.
    void wakeUp() noexcept;

    // Once per descriptor. What is already there (data, hang-up) is reported in the next batch.
    std::error_code add(int fd, EventHandler& handler);
    // Level-triggered IN.
    std::error_code addListener(int fd, EventHandler& handler);
    // Only for a descriptor that stays open (a paused listener). Its handler may get one more event
    // of the current batch.
    void remove(int fd) noexcept;

    // Destroys the object when the turn is over; outside of one, at the end of the next.
    void retire(std::unique_ptr<Retirable> object);
    // Runs the hook once at the end of the turn; outside of one, of the next. Queueing a queued
    // hook does nothing.
    void atTurnEnd(TurnEndHook& hook);

    // Readable while there is something to dispatch. For whoever waits for other things, too.
    int fd() const noexcept { return epoll_.fd(); }

    std::uint64_t loops() const noexcept { return loops_; }  // batches

    std::uint64_t events() const noexcept { return events_; }  // events dispatched

private:
    using Hooks = boost::intrusive::list<TurnEndHook, boost::intrusive::constant_time_size<false>>;

    // There is nothing to be done about it but to come back from the wait.
    struct WakeUps final : EventHandler {
        void onEvents(std::uint32_t) override {}
    };

    std::error_code registerFd(int fd, std::uint32_t mask, EventHandler& handler);
    void runOnce(int timeout);
    void dispatch(const epoll_event* events, int count);
    void endTurn();

    Socket epoll_;
    Socket wakeUps_;  // an eventfd; its edges count, it is never read
    WakeUps onWakeUp_;
    TimerWheel* wheel_ = nullptr;
    std::function<void()> beforeEvents_;
    Hooks hooks_;
    std::vector<std::unique_ptr<Retirable>> retired_;
    std::vector<std::unique_ptr<Retirable>> reaping_;
    std::uint64_t loops_ = 0;
    std::uint64_t events_ = 0;
    bool inTurn_ = false;
};

}  // namespace evergate::net
