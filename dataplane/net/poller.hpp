// SPDX-License-Identifier: Apache-2.0
// The worker's own edge-triggered epoll instance, waited on by Asio as one descriptor ("nested
// epoll").
//
// Sockets are registered once (IN|OUT|RDHUP|ET) and never modified; closing a descriptor removes
// it. Belongs to the thread that runs the io_context; that io_context outlives the poller. Objects
// that may still be named by an event of the current batch are not deleted but retired: they get no
// further events and are destroyed when the batch is over.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <system_error>
#include <vector>

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

// Work to be done once when the current batch of events has been dispatched (say: flush what the
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
    // Starts waiting at once. Throws std::system_error when no epoll descriptor can be had.
    explicit Poller(boost::asio::io_context& context);
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    // The wheel is told the time at the start of every batch, so that deadlines armed by event
    // handlers count from then. The wheel outlives the poller.
    void keepTimeFor(TimerWheel& wheel) noexcept { wheel_ = &wheel; }

    // Once per descriptor. What is already there (data, hang-up) is reported in the next batch.
    std::error_code add(int fd, EventHandler& handler);
    // Level-triggered IN.
    std::error_code addListener(int fd, EventHandler& handler);
    // Only for a descriptor that stays open (a paused listener). Its handler may get one more event
    // of the current batch.
    void remove(int fd) noexcept;

    // Destroys the object after the current batch; outside a batch, from the io_context.
    void retire(std::unique_ptr<Retirable> object);
    // Runs the hook once at the end of the current batch; outside a batch, from the io_context.
    // Queueing a queued hook does nothing.
    void atTurnEnd(TurnEndHook& hook);

    std::uint64_t loops() const noexcept { return loops_; }  // batches

    std::uint64_t events() const noexcept { return events_; }  // events dispatched

private:
    using Hooks = boost::intrusive::list<TurnEndHook, boost::intrusive::constant_time_size<false>>;

    std::error_code registerFd(int fd, std::uint32_t mask, EventHandler& handler);
    void rearm();
    void onReadable();
    void dispatch(const epoll_event* events, int count);
    void endTurn();
    void scheduleEndTurn();

    boost::asio::io_context& context_;
    boost::asio::posix::stream_descriptor descriptor_;
    std::shared_ptr<const int> alive_;  // handlers queued in the io_context check it before use
    TimerWheel* wheel_ = nullptr;
    Hooks hooks_;
    std::vector<std::unique_ptr<Retirable>> retired_;
    std::vector<std::unique_ptr<Retirable>> reaping_;
    std::uint64_t loops_ = 0;
    std::uint64_t events_ = 0;
    bool inBatch_ = false;
    bool endTurnPosted_ = false;
};

}  // namespace evergate::net
