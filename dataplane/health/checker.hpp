// SPDX-License-Identifier: Apache-2.0
// Active health checks of every endpoint whose backend asks for them.
//
// Runs on the control thread: once per process, shared by all workers, and an endpoint that several
// backends check in the same way is checked once. Starts are spread over the interval and jittered;
// at most Options::concurrent checks run at a time, the others wait in order. Only changes are
// reported. A check under way is never cancelled: it has a deadline, and nobody looks at its result
// when its endpoint is gone. Destroy it when its executor runs no more handlers, or stop() first.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/health/endpoint_health.hpp"
#include "dataplane/health/probe.hpp"
#include "dataplane/routing/snapshot.hpp"

namespace evergate::health {

// What people want to know about one checked endpoint.
struct CheckFacts {
    bool up = true;
    bool proven = false;  // a check of it is over
    std::string detail;   // of the last check
};

struct CheckCounters {
    std::uint64_t good = 0;
    std::uint64_t bad = 0;
    std::uint64_t targets = 0;  // endpoints checked now
    std::uint64_t running = 0;
};

class Checker {
public:
    struct Options {
        std::size_t concurrent = 256;
        std::uint64_t seed = 1;                           // of the jitter
        std::shared_ptr<net::SourceAddresses> sources{};  // of connections; null: any
    };

    using OnChange = std::function<void(std::vector<EndpointHealth>)>;
    // `address` as "10.1.2.3:80". For the log.
    using OnTransition =
        std::function<void(const std::string& address, bool up, const std::string& detail)>;

    Checker(boost::asio::any_io_executor executor, Options options, OnChange onChange,
            OnTransition onTransition);
    ~Checker();
    Checker(const Checker&) = delete;
    Checker& operator=(const Checker&) = delete;

    // The policies of all backends there are; endpoints of a backend not known yet are kept for it.
    void setBackends(const std::vector<routing::BackendSpec>& backends);
    void setEndpoints(routing::BackendId backend,
                      std::shared_ptr<const model::Endpoints> endpoints);
    void forget(routing::BackendId backend);
    void stop();

    // Nothing when this endpoint is not checked.
    std::optional<CheckFacts> facts(routing::BackendId backend, const std::string& address,
                                    std::uint16_t port) const;
    CheckCounters counters() const noexcept;

private:
    class Target;
    struct Backend;
    using TargetPtr = std::shared_ptr<Target>;

    void rebuild(routing::BackendId id, Backend& backend);
    TargetPtr acquire(const model::Endpoint& endpoint,
                      const std::shared_ptr<const model::Backend>& policy,
                      const std::shared_ptr<const tls::Certificate>& shown);
    void release(const TargetPtr& target, routing::BackendId id, const model::Endpoint& endpoint);
    void schedule(const TargetPtr& target, std::chrono::milliseconds delay);
    void due(const TargetPtr& target);
    void run(const TargetPtr& target);
    void finished(const TargetPtr& target, ProbeResult result);
    std::chrono::milliseconds jittered(std::chrono::milliseconds interval);

    boost::asio::any_io_executor executor_;
    Options options_;
    OnChange onChange_;
    OnTransition onTransition_;
    std::map<routing::BackendId, Backend> backends_;
    std::map<std::string, TargetPtr> targets_;
    std::deque<TargetPtr> waiting_;
    CheckCounters counters_;
    std::mt19937_64 random_;
    // Handlers under way hold a weak reference: they do nothing once the checker is gone.
    std::shared_ptr<Checker*> self_;
};

}  // namespace evergate::health
