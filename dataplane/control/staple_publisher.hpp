// SPDX-License-Identifier: Apache-2.0
// Passes revisions on and tells the stapler which certificates they show: first the stapler, so
// that a new certificate with an answer that is known already is never shown without it.
//
// Control thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/control/snapshot_publisher.hpp"
#include "dataplane/ocsp/stapler.hpp"
#include "dataplane/tls/server_certificates.hpp"

namespace evergate::dataplane {

class StaplePublisher final : public SnapshotPublisher {
public:
    StaplePublisher(SnapshotPublisher& next, ocsp::Stapler& stapler)
        : next_(next), stapler_(stapler) {}

    std::unique_ptr<worker::BoundListener> bind(const std::string& name,
                                                const model::Listener& listener,
                                                std::string& error) override {
        return next_.bind(name, listener, error);
    }

    void publish(worker::Publication publication, std::function<void()> applied) override {
        const auto& certificates = publication.snapshot->certificates;
        stapler_.setCertificates(certificates ? certificates->shown()
                                              : std::vector<tls::NamedCertificate>());
        next_.publish(std::move(publication), std::move(applied));
    }

    void updateEndpoints(std::vector<worker::EndpointsUpdate> updates,
                         std::function<void()> applied) override {
        next_.updateEndpoints(std::move(updates), std::move(applied));
    }

private:
    SnapshotPublisher& next_;
    ocsp::Stapler& stapler_;
};

}  // namespace evergate::dataplane
