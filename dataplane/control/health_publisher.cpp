// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/health_publisher.hpp"

#include <utility>

namespace evergate::dataplane {

void HealthPublisher::publish(worker::Publication publication, std::function<void()> applied) {
    const auto snapshot = publication.snapshot;
    const auto endpoints = publication.endpoints;
    const auto forget = publication.forget;
    workers_.publish(std::move(publication), std::move(applied));
    for (const routing::BackendId id : forget)
        checker_.forget(id);
    checker_.setBackends(snapshot->backends);
    for (const worker::EndpointsUpdate& update : endpoints)
        checker_.setEndpoints(update.backend, update.endpoints);
}

void HealthPublisher::updateEndpoints(std::vector<worker::EndpointsUpdate> updates,
                                      std::function<void()> applied) {
    const auto copy = updates;
    workers_.updateEndpoints(std::move(updates), std::move(applied));
    for (const worker::EndpointsUpdate& update : copy)
        checker_.setEndpoints(update.backend, update.endpoints);
}

}  // namespace evergate::dataplane
