// SPDX-License-Identifier: Apache-2.0
// What the applier asks of the workers; the pool in the program, a recorder in its tests.
//
// Control thread only, callbacks included.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/worker/worker_pool.hpp"

namespace evergate::dataplane {

class SnapshotPublisher {
public:
    virtual ~SnapshotPublisher() = default;

    virtual std::unique_ptr<worker::BoundListener> bind(const std::string& name,
                                                        const model::Listener& listener,
                                                        std::string& error) = 0;
    virtual void publish(worker::Publication publication, std::function<void()> applied) = 0;
    virtual void updateEndpoints(std::vector<worker::EndpointsUpdate> updates,
                                 std::function<void()> applied) = 0;
};

class PoolPublisher final : public SnapshotPublisher {
public:
    explicit PoolPublisher(worker::WorkerPool& pool) : pool_(pool) {}

    std::unique_ptr<worker::BoundListener> bind(const std::string& name,
                                                const model::Listener& listener,
                                                std::string& error) override {
        return pool_.bind(name, listener, error);
    }

    void publish(worker::Publication publication, std::function<void()> applied) override {
        pool_.publish(std::move(publication), std::move(applied));
    }

    void updateEndpoints(std::vector<worker::EndpointsUpdate> updates,
                         std::function<void()> applied) override {
        pool_.updateEndpoints(std::move(updates), std::move(applied));
    }

private:
    worker::WorkerPool& pool_;
};

}  // namespace evergate::dataplane
