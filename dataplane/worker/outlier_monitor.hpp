// SPDX-License-Identifier: Apache-2.0
// Passive checks: decides once per process, from what all workers saw (OutlierBoard), which
// endpoints are ejected and when they come back (OutlierDetector), and tells the workers.
//
// Control thread, but for failing(). A backend without OutlierDetection costs a look at its policy
// when that changes. Destroy it when its executor runs no more handlers.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/routing/snapshot.hpp"
#include "dataplane/upstream/outlier_detector.hpp"
#include "dataplane/upstream/outlier_tally.hpp"

namespace evergate::worker {

struct EjectionChange {
    routing::BackendId backend = 0;
    std::string address;  // as in model::Endpoint
    std::uint16_t port = 0;
    bool ejected = false;
};

class OutlierMonitor final : public upstream::OutlierMail {
public:
    using OnChange = std::function<void(std::vector<EjectionChange>)>;
    // For the log: "10.1.2.3:80" goes for `reason` and this long, or comes back (no reason).
    using OnEvent = std::function<void(const std::string& endpoint, std::string_view reason,
                                       std::chrono::milliseconds time)>;

    OutlierMonitor(boost::asio::any_io_executor control, upstream::OutlierBoard& board,
                   OnChange onChange);
    ~OutlierMonitor();
    OutlierMonitor(const OutlierMonitor&) = delete;
    OutlierMonitor& operator=(const OutlierMonitor&) = delete;

    void setLog(OnEvent onEvent) { onEvent_ = std::move(onEvent); }

    // The policies of all backends there are; after the workers have them.
    void setBackends(const std::vector<routing::BackendSpec>& backends);
    void setEndpoints(routing::BackendId backend,
                      std::shared_ptr<const model::Endpoints> endpoints);
    void forget(routing::BackendId backend);
    // So far, by reason; all 0 for a backend that was never watched.
    upstream::EjectionCounts ejections(routing::BackendId backend) const;

    void failing(std::uint32_t backend, const upstream::EndpointTallyPtr& tally) override;

private:
    struct Watch;
    struct Backend;
    using Time = upstream::OutlierDetector::Time;

    void update(routing::BackendId id, Backend& backend);
    void onFailing(routing::BackendId id, const upstream::EndpointTallyPtr& tally);
    void onTimer(routing::BackendId id);
    void arm(routing::BackendId id, Watch& watch);
    void publish(routing::BackendId id, const Watch& watch,
                 const std::vector<upstream::OutlierDetector::Ejection>& out,
                 const std::vector<std::string>& back);
    Time now() const;

    boost::asio::any_io_executor control_;
    upstream::OutlierBoard& board_;
    OnChange onChange_;
    OnEvent onEvent_;
    std::map<routing::BackendId, Backend> backends_;
    // Handlers under way hold a weak reference: they do nothing once the monitor is gone.
    std::shared_ptr<OutlierMonitor*> self_;
};

}  // namespace evergate::worker
