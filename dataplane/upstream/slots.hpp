// SPDX-License-Identifier: Apache-2.0
// How many requests each endpoint of a limited backend serves at once, counted by all workers
// together, and who waits for one to end.
//
// The one thing workers share on the way of a request, and only of a backend with maxConnections:
// atomics, no locks (the mutexes guard changes of the configuration). Any thread.
//
// Nobody is forgotten: who waits says so first (setFront) and looks for a free slot then; who frees
// a slot frees it first and looks for somebody waiting then. One of the two sees the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace evergate::upstream {

using SharedCount = std::atomic<std::uint32_t>;   // layering: allow locks: decision 11
using SharedTicket = std::atomic<std::uint64_t>;  // layering: allow locks: decision 11
using SlotMutex = std::mutex;                     // layering: allow locks: changes of config only

class BackendSlots;

// Of one endpoint.
class EndpointSlots {
public:
    bool full(std::uint32_t limit) const noexcept { return used_.load() >= limit; }

    bool over(std::uint32_t limit) const noexcept { return used_.load() > limit; }

    bool tryTake(std::uint32_t limit) noexcept {
        std::uint32_t used = used_.load();
        while (used < limit) {
            if (used_.compare_exchange_weak(used, used + 1))
                return true;
        }
        return false;
    }

    // Requests that were under way before the limit came, and that go on after it went.
    void add(std::uint32_t count) noexcept { used_.fetch_add(count); }

    void giveBack(std::uint32_t count = 1) noexcept { used_.fetch_sub(count); }

    std::uint32_t used() const noexcept { return used_.load(); }

private:
    SharedCount used_{0};
};

using EndpointSlotsPtr = std::shared_ptr<EndpointSlots>;

// Of one backend: its endpoints, and the workers with requests that wait.
class BackendSlots {
public:
    static constexpr std::uint64_t kNobody = std::numeric_limits<std::uint64_t>::max();

    explicit BackendSlots(unsigned workers);

    // By "address:port"; the same for all workers, and for an endpoint that comes back while
    // requests to it are still under way.
    EndpointSlotsPtr endpoint(const std::string& text);

    // One more that waits; false when `most` do already.
    bool enter(std::uint32_t most) noexcept;

    void leave() noexcept { pending_.fetch_sub(1); }

    std::uint64_t nextTicket() noexcept { return nextTicket_.fetch_add(1); }

    // The ticket of the one that has waited longest in this worker, or kNobody.
    void setFront(unsigned worker, std::uint64_t ticket) noexcept { fronts_[worker].store(ticket); }

    // The worker with the request that has waited longest; -1: nobody waits.
    int longestWaiting() const noexcept;

    bool waits(unsigned worker) const noexcept { return fronts_[worker].load() != kNobody; }

    unsigned workers() const noexcept { return static_cast<unsigned>(fronts_.size()); }

private:
    std::vector<SharedTicket> fronts_;
    SharedTicket nextTicket_{0};
    SharedCount pending_{0};
    SlotMutex mutex_;
    std::map<std::string, std::weak_ptr<EndpointSlots>> endpoints_;  // guarded by mutex_
    std::size_t pruneAt_ = 64;                                       // likewise
};

class OutlierBoard;

// Takes messages to other workers.
class SlotMail {
public:
    // A slot of one of the backend's endpoints, taken for whoever waits there.
    virtual void grant(unsigned worker, std::uint32_t backend, EndpointSlotsPtr slot) = 0;
    // A slot came free that suited nobody elsewhere.
    virtual void look(unsigned worker, std::uint32_t backend) = 0;

protected:
    ~SlotMail() = default;
};

// Of all backends.
class SlotTable {
public:
    SlotTable(unsigned workers, SlotMail* mail);
    ~SlotTable();

    // The same for all workers as long as one of them holds it.
    std::shared_ptr<BackendSlots> backend(std::uint32_t id);

    // Null with one worker.
    SlotMail* mail() const noexcept { return mail_; }

    OutlierBoard& outliers() noexcept { return *outliers_; }

private:
    const unsigned workers_;
    SlotMail* const mail_;
    SlotMutex mutex_;
    std::unordered_map<std::uint32_t, std::weak_ptr<BackendSlots>> backends_;  // by mutex_
    const std::unique_ptr<OutlierBoard> outliers_;
};

}  // namespace evergate::upstream
