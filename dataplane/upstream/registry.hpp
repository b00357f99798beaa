// SPDX-License-Identifier: Apache-2.0
// Live state of every backend and endpoint in one worker, outliving configurations.
//
// Backends are named by dense ids given out by the control thread. A new endpoint list keeps the
// state and the connections of every endpoint that stays; those that left are retired: their idle
// connections close at once, the rest lives until its last user is done. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/endpoint.hpp"
#include "dataplane/upstream/hash_ring.hpp"

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
};

struct BackendCounters {
    std::uint64_t requests = 0;
    std::array<std::uint64_t, 6> byStatusClass{};  // [2] = 2xx; [0] = no response from an endpoint
    std::uint64_t retries = 0;
    std::uint64_t bytesFromClients = 0;
    std::uint64_t bytesToClients = 0;
    std::uint64_t responseTimeMicros = 0;  // summed; over `requests`
};

struct BackendState {
    // Never null once setPolicy() was called; all defaults before.
    std::shared_ptr<const model::Backend> policy;
    std::vector<EndpointPtr> endpoints;  // sorted by address text and port
    RetiredEndpoints retired;            // still in use by somebody
    BalancerState balancer;
    BackendCounters counters;
};

class Registry {
public:
    explicit Registry(ConnectionPool& pool);
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    // Created on demand; the reference stays valid as long as the registry.
    BackendState& backend(std::uint32_t id);
    const BackendState* find(std::uint32_t id) const noexcept;  // null when never seen

    void setPolicy(std::uint32_t id, std::shared_ptr<const model::Backend> policy);
    // Endpoints whose address is no IP literal are left out.
    void setEndpoints(std::uint32_t id, const model::Endpoints& endpoints);
    // The backend left the configuration: retires its endpoints and forgets policy and counters, so
    // that the id can be given out again. Requests under way keep what they hold.
    void remove(std::uint32_t id);

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

    ConnectionPool& pool_;
    std::shared_ptr<const model::Backend> defaultPolicy_;
    std::vector<std::unique_ptr<BackendState>> backends_;
};

}  // namespace evergate::upstream
