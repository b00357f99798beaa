// SPDX-License-Identifier: Apache-2.0
// The requests of one worker that wait for a slot of one backend, first come, first served.
//
// A slot that comes free is not put back while somebody waits: it goes to the worker whose request
// has waited longest, and there to the first it suits. So new requests cannot overtake those that
// wait, and an endpoint is never at more than its limit. One worker thread; what crosses threads is
// BackendSlots and the mail.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/net/poller.hpp"
#include "dataplane/upstream/endpoint.hpp"
#include "dataplane/upstream/slots.hpp"

namespace evergate::upstream {

struct BackendState;

// A request (or TCP connection) that waits. It leaves through WaitQueue::leave() when it gives up.
class Waiter : public boost::intrusive::list_base_hook<> {
public:
    // The endpoint it would take now, with a free slot; null: none. Takes nothing.
    virtual EndpointState* chooseEndpoint() = 0;
    virtual bool suits(const EndpointState& endpoint) const = 0;
    // Does not take just any endpoint: those behind it may find one all the same.
    virtual bool selective() const noexcept = 0;
    // It has left the queue and owns a slot of `endpoint`.
    virtual void onSlot(EndpointState& endpoint) = 0;
    // It has left the queue: the backend is no more.
    virtual void onBackendGone() = 0;

protected:
    virtual ~Waiter() = default;

private:
    friend class WaitQueue;
    std::uint64_t ticket_ = 0;
};

class WaitQueue final : public net::TurnEndHook {
public:
    // The backend outlives its queue.
    WaitQueue(BackendState& backend, std::uint32_t id, unsigned worker, SlotTable& table,
              net::Poller& poller);
    ~WaitQueue() override;

    bool empty() const noexcept { return waiters_.empty(); }

    std::size_t size() const noexcept { return waiters_.size(); }

    BackendSlots& slots() noexcept { return *slots_; }

    // False: `most` wait already in this data plane.
    bool enter(Waiter& waiter, std::uint32_t most);
    void leave(Waiter& waiter);

    // A slot of `endpoint` is no longer needed.
    void release(EndpointState& endpoint);
    // A slot that another worker passed on.
    void receive(EndpointSlotsPtr slot);
    // Something changed: whoever can go, goes, at the end of this turn.
    void look();
    void dismissAll();

    void onTurnEnd() override;

private:
    struct Granted {
        EndpointPtr endpoint;
        EndpointSlotsPtr slot;
    };

    bool passOn(EndpointState& endpoint);
    void distribute(Granted granted);
    void surrender(EndpointSlots& slot);
    void admitWaiting();
    bool anyFree() const noexcept;
    void handOver(Waiter& waiter, EndpointState& endpoint);
    void tellFront();

    BackendState& backend_;
    const std::uint32_t id_;
    const unsigned worker_;
    SlotMail* const mail_;
    net::Poller& poller_;
    const std::shared_ptr<BackendSlots> slots_;
    boost::intrusive::list<Waiter> waiters_;
    std::vector<Granted> granted_;
};

}  // namespace evergate::upstream
