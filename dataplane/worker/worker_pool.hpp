// SPDX-License-Identifier: Apache-2.0
// The N workers, seen from the control thread: publish a snapshot, update endpoints, collect
// counters, drain, stop.
//
// Every method is called on the control thread only, and every callback runs on the control
// thread's executor. The only way across is a post to each worker; the last worker's reply triggers
// the callback.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/health/endpoint_health.hpp"
#include "dataplane/http/access_log.hpp"
#include "dataplane/net/address.hpp"
#include "dataplane/routing/snapshot.hpp"
#include "dataplane/upstream/slots.hpp"
#include "dataplane/worker/outlier_monitor.hpp"
#include "dataplane/worker/worker_stats.hpp"

namespace evergate::tls {
class Staples;
class TicketKeys;
}  // namespace evergate::tls

namespace evergate::worker {

class Worker;
class AccessLogWriter;

struct WorkerPoolOptions {
    unsigned workers = 1;
    http::AccessLogFormat accessLog = http::AccessLogFormat::off;
    std::string accessLogPath = "-";  // "-" is standard output
    // How long connections of a removed listener may go on.
    std::chrono::milliseconds listenerDrain{30'000};
    std::uint32_t maxConnections = 0;  // of clients, all workers together; 0: no limit
    std::size_t bufferBytes = 0;       // of all workers together; 0: no limit
    // Full TLS handshakes a second, all workers together: of all clients, of each; 0: no limit.
    std::uint32_t handshakeRate = 0;
    std::uint32_t handshakeRatePerClient = 0;
    std::chrono::milliseconds overloadLag{0};  // more lag than this is too much; 0: never
    std::vector<net::SocketAddress> sources;   // of connections to endpoints; none: any
};

// The sockets of a new listener: bound (not yet listening), one per worker. Owned: closed when
// dropped.
class BoundListener {
public:
    BoundListener(std::string name, std::vector<int> fds)
        : name_(std::move(name)), fds_(std::move(fds)) {}

    BoundListener(BoundListener&&) noexcept = default;
    BoundListener& operator=(BoundListener&&) = delete;
    ~BoundListener();

    const std::string& name() const noexcept { return name_; }

    std::uint16_t port() const noexcept;    // the real one when 0 was asked for
    int take(std::size_t worker) noexcept;  // gives the socket away

private:
    std::string name_;
    std::vector<int> fds_;
};

struct EndpointsUpdate {
    routing::BackendId backend = 0;
    std::shared_ptr<const model::Endpoints> endpoints;  // never null; empty means none
};

// Ids whose names are forgotten: what was counted under them is dropped, then they may name others.
struct RecycledIds {
    std::vector<routing::BackendId> backends;
    std::vector<std::uint32_t> routes;  // routing::Target::statsIndex
};

// Everything one revision changes. Order in each worker: closed, endpoints, snapshot, opened,
// forgotten; nothing of it is seen before all of it is done.
struct Publication {
    std::shared_ptr<const routing::Snapshot> snapshot;
    std::vector<EndpointsUpdate> endpoints;
    std::vector<BoundListener> open;  // a name that is open already replaces the old sockets
    std::vector<std::string> close;
    std::vector<routing::BackendId> forget;  // ids no snapshot uses any more: live state is dropped
    RecycledIds recycled;
};

struct SharedLimits;
class SlotPost;

class WorkerPool {
public:
    WorkerPool(boost::asio::any_io_executor control, WorkerPoolOptions options);
    ~WorkerPool();  // stops and joins

    void start();

    std::size_t size() const noexcept { return workers_.size(); }

    // Binds the sockets of one listener, one per worker. On failure an empty optional-like pointer
    // and `error` says what is wrong ("address in use by another process").
    std::unique_ptr<BoundListener> bind(const std::string& name, const model::Listener& listener,
                                        std::string& error);

    // All workers switch at the same moment: each waits, without serving, until the last one is
    // there.
    void publish(Publication publication, std::function<void()> applied);
    void updateEndpoints(std::vector<EndpointsUpdate> updates, std::function<void()> applied);
    // What the health checks found, of endpoints published before.
    void setHealth(std::vector<health::EndpointHealth> changes);

    // Endpoints that passive checks eject, and that come back, as they do.
    void logEjections(OutlierMonitor::OnEvent onEvent);

    void collect(std::function<void(std::vector<WorkerStats>)> done);
    // Endpoint states of these backends (all when empty), summed over workers.
    void collectBackends(std::vector<routing::BackendId> ids,
                         std::function<void(std::vector<BackendStats>)> done);
    // Everything that is counted per backend and route; endpoints one by one only when asked for.
    // Workers tell it in small pieces, between which they serve.
    void collectTraffic(bool endpoints, std::function<void(TrafficReport)> done);
    // At most `limit` client connections per worker.
    void collectConnections(std::size_t limit,
                            std::function<void(std::vector<ConnectionInfo>)> done);

    // Stop accepting, answer what runs with Connection: close, wait for the last connection, at
    // most `timeout`; then `done` (with how many connections were cut).
    void drain(std::chrono::milliseconds timeout, std::function<void(std::size_t cut)> done);
    void stop();

    // New session tickets are sealed with a fresh key from here on; call it every
    // tls::TicketKeys::kPeriod.
    void rotateTicketKeys();
    // Those of the controller, tls::TicketKeys::of(); false: they are none.
    bool useTicketKeys(std::span<const std::string> keys);
    // What handshakes staple from here on.
    void setStaples(std::shared_ptr<const tls::Staples> staples);

    std::uint64_t accessLogDropped() const noexcept;
    // See AccessLogWriter::reopen(). False: it is off, or standard output.
    bool reopenAccessLog(std::function<void(std::error_code)> done);

    LimitUse limitUse() const;

private:
    bool spreadTicketKeys(std::shared_ptr<const tls::TicketKeys> keys);
    void setEjected(std::vector<EjectionChange> changes);
    void addEjections(std::vector<BackendStats>& backends) const;

    template <typename T, typename Report>
    void collectSlices(Report report, std::function<void(std::vector<std::vector<T>>)> done);

    boost::asio::any_io_executor control_;
    WorkerPoolOptions options_;
    std::unique_ptr<AccessLogWriter> log_;
    std::shared_ptr<const tls::TicketKeys> ticketKeys_;
    std::unique_ptr<SharedLimits> limits_;
    std::unique_ptr<SlotPost> post_;
    std::unique_ptr<upstream::SlotTable> slots_;
    std::unique_ptr<OutlierMonitor> outliers_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::map<std::string, std::uint16_t> openPorts_;  // of our own listeners, by name
};

}  // namespace evergate::worker
