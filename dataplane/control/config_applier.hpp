// SPDX-License-Identifier: Apache-2.0
// Takes configurations from the control link to the workers: validate, compile, bind, publish,
// report.
//
// Lives on the control thread; compiling runs on one helper thread of its own, so that endpoints
// never wait behind it. All or nothing: until every socket is bound nothing is published, and a
// refused candidate leaves no trace but its record. Endpoints that arrive while a candidate is
// under way are newer than those in it. Destroy it only when the control executor runs no more
// handlers.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/control/config_sink.hpp"
#include "dataplane/control/revision_history.hpp"
#include "dataplane/control/snapshot_compiler.hpp"
#include "dataplane/control/snapshot_publisher.hpp"
#include "dataplane/control/stable_ids.hpp"

namespace evergate::dataplane {

// One line per revision; set by the composition root, so that this folder's tests need no logger.
using RevisionObserver = std::function<void(const RevisionRecord&)>;

class ConfigApplier final : public ConfigSink {
public:
    ConfigApplier(boost::asio::any_io_executor control, SnapshotPublisher& publisher,
                  RevisionObserver observer);
    ~ConfigApplier() override;
    ConfigApplier(const ConfigApplier&) = delete;
    ConfigApplier& operator=(const ConfigApplier&) = delete;

    void applyConfig(std::shared_ptr<const model::Config> next, std::uint64_t version,
                     std::function<void(std::vector<model::KeyedProblem>)> done) override;
    void applyEndpoints(const model::Delta& delta, std::uint64_t version,
                        std::function<void()> done) override;

    // True once every worker has a snapshot.
    bool ready() const noexcept { return ready_; }

    // What the workers serve from; null before the first revision.
    const std::shared_ptr<const routing::Snapshot>& snapshot() const noexcept { return snapshot_; }

    // The applied configuration. Its Endpoints values are out of date: see endpoints().
    const std::shared_ptr<const model::Config>& config() const noexcept { return config_; }

    // The current values of kind Endpoints, of backends not configured (yet) too.
    const model::Config& endpoints() const noexcept { return endpoints_; }

    std::uint64_t endpointsVersion() const noexcept { return endpointsVersion_; }

    const StableIds& ids() const noexcept { return ids_; }

    const RevisionHistory& history() const noexcept { return history_; }

    std::uint64_t applied(model::Lane lane) const noexcept { return applied_[index(lane)]; }

    std::uint64_t rejected() const noexcept { return rejected_; }

    // Of the last configuration applied.
    std::chrono::microseconds lastApplyTime() const noexcept { return lastApplyTime_; }

    // When that was; none before the first.
    std::optional<std::chrono::system_clock::time_point> lastApplied() const noexcept {
        return lastApplied_;
    }

private:
    struct Attempt {
        std::shared_ptr<const model::Config> next;
        std::chrono::steady_clock::time_point start;
        RevisionRecord record;
        std::function<void(std::vector<model::KeyedProblem>)> done;
    };

    static std::size_t index(model::Lane lane) noexcept { return static_cast<std::size_t>(lane); }

    void publish(Compiled compiled);
    bool bindListeners(const routing::Snapshot& next, worker::Publication& publication,
                       std::vector<model::KeyedProblem>& problems);
    void adoptEndpoints(const routing::Snapshot& next, worker::Publication& publication);
    void refuse(std::vector<model::KeyedProblem> problems);
    void finish();
    void report(RevisionRecord record, std::chrono::steady_clock::time_point start);
    std::shared_ptr<const model::Endpoints> endpointsOf(const std::string& backend) const;

    boost::asio::any_io_executor control_;
    SnapshotPublisher& publisher_;
    RevisionObserver observer_;
    StableIds ids_;
    StableIds routeIds_;
    RevisionHistory history_;

    std::shared_ptr<const model::Config> config_;
    std::shared_ptr<const routing::Snapshot> snapshot_;
    model::Config endpoints_;
    std::uint64_t endpointsVersion_ = 0;
    std::shared_ptr<const model::Endpoints> noEndpoints_;
    std::shared_ptr<const tls::Certificate> fallbackCertificate_;  // self-signed, of this process

    std::optional<Attempt> attempt_;
    std::set<model::Key> touched_;  // endpoints changed since the attempt began
    bool ready_ = false;
    std::uint64_t applied_[2] = {0, 0};
    std::uint64_t rejected_ = 0;
    std::chrono::microseconds lastApplyTime_{0};
    std::optional<std::chrono::system_clock::time_point> lastApplied_;

    boost::asio::thread_pool compiler_{1};
};

}  // namespace evergate::dataplane
