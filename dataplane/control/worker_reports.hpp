// SPDX-License-Identifier: Apache-2.0
// What the admin API asks of the workers; the pool in the program, plain values in its tests.
//
// Control thread only, callbacks included.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "dataplane/worker/worker_pool.hpp"

namespace evergate::dataplane {

class WorkerReports {
public:
    virtual ~WorkerReports() = default;

    virtual void collect(std::function<void(std::vector<worker::WorkerStats>)> done) = 0;
    // All backends when `ids` is empty.
    virtual void collectBackends(std::vector<routing::BackendId> ids,
                                 std::function<void(std::vector<worker::BackendStats>)> done) = 0;
    virtual void collectTraffic(bool endpoints,
                                std::function<void(worker::TrafficReport)> done) = 0;
    virtual void collectConnections(
        std::size_t limit, std::function<void(std::vector<worker::ConnectionInfo>)> done) = 0;
    virtual std::uint64_t accessLogDropped() const noexcept = 0;

    virtual worker::LimitUse limitUse() const { return {}; }
};

class PoolReports final : public WorkerReports {
public:
    explicit PoolReports(worker::WorkerPool& pool) : pool_(pool) {}

    void collect(std::function<void(std::vector<worker::WorkerStats>)> done) override {
        pool_.collect(std::move(done));
    }

    void collectBackends(std::vector<routing::BackendId> ids,
                         std::function<void(std::vector<worker::BackendStats>)> done) override {
        pool_.collectBackends(std::move(ids), std::move(done));
    }

    void collectTraffic(bool endpoints, std::function<void(worker::TrafficReport)> done) override {
        pool_.collectTraffic(endpoints, std::move(done));
    }

    void collectConnections(
        std::size_t limit, std::function<void(std::vector<worker::ConnectionInfo>)> done) override {
        pool_.collectConnections(limit, std::move(done));
    }

    std::uint64_t accessLogDropped() const noexcept override { return pool_.accessLogDropped(); }

    worker::LimitUse limitUse() const override { return pool_.limitUse(); }

private:
    worker::WorkerPool& pool_;
};

}  // namespace evergate::dataplane
