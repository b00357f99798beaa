// SPDX-License-Identifier: Apache-2.0
// Passes revisions on to the workers and tells the health checker what is in them: first the
// workers, so that a change of health never reaches one before its endpoint does.
//
// Control thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/control/snapshot_publisher.hpp"
#include "dataplane/health/checker.hpp"

namespace evergate::dataplane {

class HealthPublisher final : public SnapshotPublisher {
public:
    HealthPublisher(SnapshotPublisher& workers, health::Checker& checker)
        : workers_(workers), checker_(checker) {}

    std::unique_ptr<worker::BoundListener> bind(const std::string& name,
                                                const model::Listener& listener,
                                                std::string& error) override {
        return workers_.bind(name, listener, error);
    }

    void publish(worker::Publication publication, std::function<void()> applied) override;
    void updateEndpoints(std::vector<worker::EndpointsUpdate> updates,
                         std::function<void()> applied) override;

private:
    SnapshotPublisher& workers_;
    health::Checker& checker_;
};

}  // namespace evergate::dataplane
