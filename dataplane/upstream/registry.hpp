// SPDX-License-Identifier: Apache-2.0
// Live state of every backend and endpoint in one worker, outliving configurations.
//
// Backends are named by dense ids given out by the control thread. A new endpoint list keeps the
// state and the connections of every endpoint that stays; those that left are retired: their idle
// connections close at once, the rest lives until its last user is done. One thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/endpoint.hpp"
#include "dataplane/upstream/hash_ring.hpp"
#include "dataplane/upstream/slots.hpp"
#include "dataplane/upstream/traffic_counters.hpp"
#include "dataplane/upstream/wait_queue.hpp"

namespace evergate::upstream {

// What the balancer remembers between picks. Derived parts are rebuilt lazily after a change.
struct BalancerState {
    bool stale = true;            // endpoints or weights changed since the derived parts were built
    bool equalWeights = true;     // among those with weight > 0
    std::uint32_t maxWeight = 0;  // 0: nothing to pick from
    std::uint64_t sequence = 0;   // round robin; survives changes
    bool sequenceStarted = false;                  // starts at a random place in each worker
    std::vector<std::uint32_t> cumulativeWeights;  // least request with unequal weights only
    HashRing ring;                                 // consistent hash only
    std::vector<std::pair<std::uint64_t, std::uint32_t>> byAffinity;  // with a cookie only; sorted
};

// What endpoints count by themselves, summed.
struct EndpointTotals {
    std::uint64_t connects = 0;
    std::uint64_t connectFailures = 0;
    std::uint64_t failures = 0;

    void add(const EndpointState& endpoint) noexcept {
        connects += endpoint.connects;
        connectFailures += endpoint.connectFailures;
        failures += endpoint.failures;
    }
};

struct BackendCounters {
    std::uint64_t requests = 0;
    std::uint64_t tcpConnections = 0;
    EndpointTotals departed;                   // of endpoints that left the configuration
    std::unique_ptr<TrafficCounters> traffic;  // null: none yet

    TrafficCounters& counting() {
        if (!traffic)
            traffic = std::make_unique<TrafficCounters>();
        return *traffic;
    }
};

struct BackendState {
    // Never null once setPolicy() was called; all defaults before.
    std::shared_ptr<const model::Backend> policy;
    std::shared_ptr<const tls::ClientContext> trust;  // null: its endpoints speak no TLS
    std::vector<EndpointPtr> endpoints;               // sorted by address text and port
    RetiredEndpoints retired;                         // still in use by somebody
    BalancerState balancer;
    BackendCounters counters;
    bool special = false;  // choosing needs more than pick(): see admission.hpp
    bool timed = false;    // somebody wants to know how long its endpoints take to answer
    bool watched = false;  // its endpoints have an OutlierWatch
    bool panic = false;    // too few are usable: checks are not believed (Backend::panicPercent)
    std::uint64_t usableWeight = 0;     // of its usable endpoints together
    std::uint32_t activeRequests = 0;   // of its endpoints together; kept by beginUse(), endUse()
    std::uint32_t retriesUnderWay = 0;  // requests that were sent a second time, see retry_budget
    std::uint32_t maxConnections = 0;   // of the policy; without it nobody has slots
    std::unique_ptr<WaitQueue> queue;   // null until there is a limit for the first time
};

// "10.1.2.3:80", "[::1]:80": EndpointState::text.
std::string endpointText(const model::Endpoint& endpoint);

// By address text, then port: the order of model::Endpoints.
std::strong_ordering compare(const EndpointState& state, const model::Endpoint& endpoint);

// A request (or connection) goes to an endpoint, and has ended.
inline void beginUse(BackendState& backend, EndpointState& endpoint) noexcept {
    ++backend.activeRequests;
    ++endpoint.activeRequests;
}

inline void endUse(BackendState& backend, EndpointState& endpoint) noexcept {
    --backend.activeRequests;
    --endpoint.activeRequests;
}

class Registry {
public:
    explicit Registry(ConnectionPool& pool);  // of a single worker
    // `slots` outlives the registry.
    Registry(ConnectionPool& pool, SlotTable& slots, unsigned worker);
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    // Created on demand; the reference stays valid as long as the registry.
    BackendState& backend(std::uint32_t id);
    const BackendState* find(std::uint32_t id) const noexcept;  // null when never seen

    void setPolicy(std::uint32_t id, std::shared_ptr<const model::Backend> policy);
    // Idle connections made under another trust are closed.
    void setTrust(std::uint32_t id, const std::shared_ptr<const tls::ClientContext>& trust);
    // Endpoints whose address is no IP literal are left out.
    void setEndpoints(std::uint32_t id, const model::Endpoints& endpoints);
    // What the active health checks found. An endpoint that is not there (any more) is passed over.
    void setHealth(std::uint32_t id, const std::string& address, std::uint16_t port, bool up);
    // What the passive checks decided; likewise.
    void setEjected(std::uint32_t id, const std::string& address, std::uint16_t port, bool ejected);
    // The backend left the configuration: retires its endpoints and forgets its policy. Its
    // counters stay, for it may come back. Requests under way keep what they hold.
    void remove(std::uint32_t id);
    // The id is given to another backend: everything counted so far is forgotten.
    void recycle(std::uint32_t id);

    // Mail of other workers (SlotMail).
    void receiveSlot(std::uint32_t id, EndpointSlotsPtr slot);
    void lookAtQueue(std::uint32_t id);
    // Now and then: whoever waits may be served by an endpoint that is no longer failing.
    void lookAtQueues();

    // One more than the highest id seen.
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(backends_.size()); }

    // f(std::uint32_t id, const BackendState&) for every backend seen so far.
    template <typename F>
    void forEach(F&& f) const {
        for (std::uint32_t id = 0; id < backends_.size(); ++id) {
            if (backends_[id])
                f(id, *backends_[id]);
        }
    }

private:
    void retire(BackendState& backend, EndpointPtr endpoint);
    void applyLimit(std::uint32_t id, BackendState& state);
    // registry_health.cpp
    void applyWatch(std::uint32_t id, BackendState& state);
    EndpointState* locate(std::uint32_t id, const std::string& address, std::uint16_t port);
    void cameOrWent(BackendState& state, EndpointState& endpoint, bool came);
    void beginSlowStart(const BackendState& state, EndpointState& endpoint);
    static void reassess(BackendState& state);

    ConnectionPool& pool_;
    std::unique_ptr<SlotTable> ownSlots_;  // when nobody lent one
    SlotTable* slots_;
    unsigned worker_ = 0;
    std::shared_ptr<const model::Backend> defaultPolicy_;
    std::vector<std::unique_ptr<BackendState>> backends_;
};

}  // namespace evergate::upstream
