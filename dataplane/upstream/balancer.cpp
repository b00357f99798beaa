// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/balancer.hpp"

#include <algorithm>

namespace evergate::upstream {
namespace {

enum class Failing : std::uint8_t { skip, allow };

bool eligible(const EndpointState& endpoint, const PickRequest& request, Failing failing) {
    if (endpoint.weight == 0 || endpoint.full(request.limit) ||
        (request.family != 0 && endpoint.address.family() != request.family))
        return false;
    if (failing == Failing::skip && (!endpoint.usable || endpoint.backingOff(request.nowTick)))
        return false;
    return std::find(request.tried.begin(), request.tried.end(), &endpoint) == request.tried.end();
}

void noteWeights(BackendState& backend) {
    BalancerState& state = backend.balancer;
    state.equalWeights = true;
    state.maxWeight = 0;
    for (const EndpointPtr& endpoint : backend.endpoints) {
        if (endpoint->weight == 0)
            continue;
        if (state.maxWeight != 0 && endpoint->weight != state.maxWeight)
            state.equalWeights = false;
        state.maxWeight = std::max(state.maxWeight, endpoint->weight);
    }
}

void buildCumulativeWeights(BackendState& backend) {
    std::vector<std::uint32_t>& sums = backend.balancer.cumulativeWeights;
    sums.reserve(backend.endpoints.size());
    std::uint32_t sum = 0;
    for (const EndpointPtr& endpoint : backend.endpoints)
        sums.push_back(sum += endpoint->weight);
}

void buildAffinity(BackendState& backend) {
    auto& names = backend.balancer.byAffinity;
    for (std::uint32_t i = 0; i < backend.endpoints.size(); ++i) {
        EndpointState& endpoint = *backend.endpoints[i];
        // Not the hash by which the ring places it: that one follows from what clients choose.
        endpoint.affinity = std::max<std::uint64_t>(stableHash("affinity " + endpoint.text), 1);
        names.emplace_back(endpoint.affinity, i);
    }
    std::sort(names.begin(), names.end());
}

void buildRing(BackendState& backend) {
    std::vector<HashRing::Member> members;
    members.reserve(backend.endpoints.size());
    for (const EndpointPtr& endpoint : backend.endpoints)
        members.push_back({endpoint->text, endpoint->weight});
    backend.balancer.ring.build(members);
}

// Rebuilds what follows from endpoints and policy: once per change, at the first pick after it.
void refresh(BackendState& backend) {
    BalancerState& state = backend.balancer;
    state.stale = false;
    noteWeights(backend);
    std::vector<std::uint32_t>().swap(state.cumulativeWeights);
    state.ring.clear();
    state.byAffinity.clear();
    if (!backend.policy->affinityCookie.empty())
        buildAffinity(backend);
    switch (backend.policy->balance) {
        case model::BalanceAlgorithm::roundRobin:
            break;
        case model::BalanceAlgorithm::ewma:
        case model::BalanceAlgorithm::leastRequest:
            if (!state.equalWeights)
                buildCumulativeWeights(backend);
            break;
        case model::BalanceAlgorithm::consistentHash:
            buildRing(backend);
            break;
    }
}

// Does this endpoint have its turn in this round? An endpoint of weight w gets w of every maxWeight
// rounds, evenly spread.
bool hasTurn(std::uint64_t weight, std::uint64_t round, std::uint64_t index, std::uint64_t most) {
    if (weight == most)
        return true;
    const std::uint64_t offset = index * (most / 2);
    return (weight * (round % most) + offset) % most >= most - weight;
}

// An endpoint in slow start comes into question only so often.
bool takesPart(const EndpointState& endpoint, const PickRequest& request, Random& random) {
    const std::uint32_t share = endpoint.share(request.nowTick);
    return share == EndpointState::kFullShare || random.below(EndpointState::kFullShare) < share;
}

// Whoever takes the turn of one that cannot: any, so that its share falls to all others alike and
// not to the next in line. Null: not found quickly.
EndpointState* pickSubstitute(BackendState& backend, const PickRequest& request, Random& random) {
    constexpr int kDraws = 4;
    const auto count = static_cast<std::uint32_t>(backend.endpoints.size());
    for (int draw = 0; draw < kDraws; ++draw) {
        EndpointState& endpoint = *backend.endpoints[random.below(count)];
        const bool drawn = backend.balancer.equalWeights ||
                           random.below(backend.balancer.maxWeight) < endpoint.weight;
        if (drawn && eligible(endpoint, request, Failing::skip) &&
            takesPart(endpoint, request, random))
            return &endpoint;
    }
    return nullptr;
}

EndpointState* pickRoundRobin(BackendState& backend, const PickRequest& request, Random& random) {
    BalancerState& state = backend.balancer;
    const std::uint64_t count = backend.endpoints.size();
    if (!state.sequenceStarted) {
        // Otherwise every worker would send its first requests to the same endpoint.
        state.sequenceStarted = true;
        state.sequence = random.below(1u << 30);
    }
    for (std::uint64_t step = 0; step < 2 * count; ++step) {
        const std::uint64_t turn = state.sequence++;
        EndpointState& endpoint = *backend.endpoints[turn % count];
        if (endpoint.weight == 0 ||
            !hasTurn(endpoint.weight, turn / count, turn % count, state.maxWeight))
            continue;
        if (eligible(endpoint, request, Failing::skip) && takesPart(endpoint, request, random))
            return &endpoint;
        return pickSubstitute(backend, request, random);
    }
    return nullptr;
}

std::uint32_t sample(const BackendState& backend, Random& random) {
    const std::vector<std::uint32_t>& sums = backend.balancer.cumulativeWeights;
    if (sums.empty())
        return random.below(static_cast<std::uint32_t>(backend.endpoints.size()));
    const std::uint32_t point = random.below(sums.back());
    return static_cast<std::uint32_t>(std::upper_bound(sums.begin(), sums.end(), point) -
                                      sums.begin());
}

// Requests under way, by weight.
bool lessLoaded(const EndpointState& a, const EndpointState& b) {
    return std::uint64_t{a.activeRequests} * b.weight < std::uint64_t{b.activeRequests} * a.weight;
}

// What a request may expect to wait. One whose latency is not known (any more) is taken to be as
// fast as the other, so that it neither starves nor gets everything until its first answer.
bool sooner(const EndpointState& a, const EndpointState& b, std::uint64_t nowMicros) {
    if (!a.latency.known(nowMicros) || !b.latency.known(nowMicros))
        return lessLoaded(a, b);
    const auto wait = [](const EndpointState& endpoint, const EndpointState& other) {
        return double{endpoint.latency.micros()} * (endpoint.activeRequests + 1.0) * other.weight;
    };
    return wait(a, b) < wait(b, a);
}

// The better of two random ones: nearly as even as the best of all, and no herd runs to one.
template <typename Better>
EndpointState* pickOfTwo(BackendState& backend, const PickRequest& request, Random& random,
                         const Better& better) {
    const auto count = static_cast<std::uint32_t>(backend.endpoints.size());
    const std::uint32_t first = sample(backend, random);
    std::uint32_t second = sample(backend, random);
    if (second == first && count > 1)
        second = (first + 1 + random.below(count - 1)) % count;
    EndpointState& a = *backend.endpoints[first];
    EndpointState& b = *backend.endpoints[second];
    const auto suits = [&](const EndpointState& endpoint) {
        return eligible(endpoint, request, Failing::skip) && takesPart(endpoint, request, random);
    };
    const bool aSuits = suits(a);
    const bool bSuits = suits(b);
    if (!aSuits || !bSuits)
        return aSuits ? &a : bSuits ? &b : pickSubstitute(backend, request, random);
    return better(b, a) ? &b : &a;
}

// Mirrokni, Thorup, Zadimoghaddam, "Consistent hashing with bounded loads": with this request, an
// endpoint has at most its share of what the usable ones have together, times the bound. Both are
// what this worker has under way: clients are spread over workers, and so is the load.
bool withinBound(const BackendState& backend, const EndpointState& endpoint) {
    const std::uint64_t percent = backend.policy->hashLoadPercent;
    if (percent == 0)
        return true;
    const std::uint64_t all = std::uint64_t{backend.activeRequests} + 1;
    const std::uint64_t whole = 100 * std::max<std::uint64_t>(backend.usableWeight, 1);
    const std::uint64_t most = (percent * all * endpoint.weight + whole - 1) / whole;
    return endpoint.activeRequests < most;
}

enum class Bound : std::uint8_t { keep, ignore };

EndpointState* walkRing(BackendState& backend, const PickRequest& request, Failing failing,
                        Bound bound) {
    // Enough to pass every failing endpoint of a common backend; the rest falls to pickAny().
    constexpr std::size_t kMaxSteps = 4096;
    const HashRing& ring = backend.balancer.ring;
    std::size_t position = ring.locate(request.hash);
    for (std::size_t step = std::min(ring.size(), kMaxSteps); step > 0; --step) {
        EndpointState& endpoint = *backend.endpoints[ring.member(position)];
        if (eligible(endpoint, request, failing) &&
            (bound == Bound::ignore || withinBound(backend, endpoint)))
            return &endpoint;
        position = ring.next(position);
    }
    return nullptr;
}

EndpointState* pickByHash(BackendState& backend, const PickRequest& request) {
    if (EndpointState* endpoint = walkRing(backend, request, Failing::skip, Bound::keep))
        return endpoint;
    if (backend.policy->hashLoadPercent != 0) {
        if (EndpointState* endpoint = walkRing(backend, request, Failing::skip, Bound::ignore))
            return endpoint;
    }
    if (request.healthyOnly)
        return nullptr;
    return walkRing(backend, request, Failing::allow, Bound::ignore);
}

// Any that suits, by weight: when the quick ways found nothing. Looks at all endpoints.
EndpointState* pickAny(BackendState& backend, const PickRequest& request, Failing failing,
                       Random& random) {
    EndpointState* chosen = nullptr;
    std::uint32_t sum = 0;
    for (const EndpointPtr& endpoint : backend.endpoints) {
        if (!eligible(*endpoint, request, failing))
            continue;
        sum += endpoint->weight;
        if (random.below(sum) < endpoint->weight)
            chosen = endpoint.get();
    }
    return chosen;
}

// Would do, were it not for its limit.
bool anyHealthyFull(const BackendState& backend, const PickRequest& request) {
    PickRequest unlimited = request;
    unlimited.limit = 0;
    return std::any_of(backend.endpoints.begin(), backend.endpoints.end(), [&](const auto& each) {
        return each->full(request.limit) && eligible(*each, unlimited, Failing::skip);
    });
}

EndpointState* pickQuickly(BackendState& backend, const PickRequest& request, Random& random) {
    switch (backend.policy->balance) {
        case model::BalanceAlgorithm::ewma:
            return pickOfTwo(backend, request, random, [&](const auto& a, const auto& b) {
                return sooner(a, b, request.nowMicros);
            });
        case model::BalanceAlgorithm::leastRequest:
            return pickOfTwo(backend, request, random, lessLoaded);
        case model::BalanceAlgorithm::consistentHash:
            return pickByHash(backend, request);
        case model::BalanceAlgorithm::roundRobin:
            break;
    }
    return pickRoundRobin(backend, request, random);
}

}  // namespace

EndpointState* pick(BackendState& backend, const PickRequest& request, Random& random) {
    if (backend.balancer.stale)
        refresh(backend);
    if (backend.balancer.maxWeight == 0)
        return nullptr;
    if (EndpointState* endpoint = pickQuickly(backend, request, random))
        return endpoint;
    if (EndpointState* endpoint = pickAny(backend, request, Failing::skip, random))
        return endpoint;
    if (request.healthyOnly || (request.limit != 0 && anyHealthyFull(backend, request)))
        return nullptr;  // better to wait for one of those than to try a failing one
    return pickAny(backend, request, Failing::allow, random);
}

EndpointState* findByAffinity(BackendState& backend, std::uint64_t affinity) {
    if (backend.balancer.stale)
        refresh(backend);
    const auto& names = backend.balancer.byAffinity;
    const auto at = std::lower_bound(names.begin(), names.end(), std::pair(affinity, 0u));
    if (at == names.end() || at->first != affinity)
        return nullptr;
    return backend.endpoints[at->second].get();
}

}  // namespace evergate::upstream
