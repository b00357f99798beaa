// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/worker_pool.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <iterator>
#include <latch>
#include <random>
#include <utility>

#include "dataplane/net/listen.hpp"
#include "dataplane/tls/staples.hpp"
#include "dataplane/worker/access_log_writer.hpp"
#include "dataplane/worker/worker.hpp"

namespace evergate::worker {

namespace {

constexpr int kBacklog = 4096;

// Runs `done(results)` on the control executor when every worker has given its part.
template <typename T>
class Gather {
public:
    Gather(boost::asio::any_io_executor control, std::size_t parts,
           std::function<void(std::vector<T>)> done)
        : control_(std::move(control)), results_(parts), left_(parts), done_(std::move(done)) {}

    // Any thread; once per index. Takes the caller's reference away: `done` and what it holds must
    // die on the control thread.
    static void give(std::shared_ptr<Gather>&& self, std::size_t index, T part) {
        const boost::asio::any_io_executor control = self->control_;
        boost::asio::post(control,
                          [self = std::move(self), index, part = std::move(part)]() mutable {
                              self->results_[index] = std::move(part);
                              if (--self->left_ == 0)
                                  self->done_(std::move(self->results_));
                          });
    }

private:
    boost::asio::any_io_executor control_;
    std::vector<T> results_;
    std::size_t left_;
    std::function<void(std::vector<T>)> done_;
};

struct Nothing {};

// The same endpoint seen by several workers becomes one row.
void merge(EndpointStats& into, const EndpointStats& other) {
    into.active += other.active;
    into.idle += other.idle;
    into.requests += other.requests;
    into.connects += other.connects;
    into.connectFailures += other.connectFailures;
    into.failures += other.failures;
    into.failing |= other.failing;
    into.ejected |= other.ejected;
    into.slowStart |= other.slowStart;
}

void merge(BackendStats& into, const BackendStats& other) {
    if (other.traffic) {
        if (!into.traffic)
            into.traffic.emplace();
        into.traffic->merge(*other.traffic);
    }
    into.tcpConnections += other.tcpConnections;
    into.totals.connects += other.totals.connects;
    into.totals.connectFailures += other.totals.connectFailures;
    into.totals.failures += other.totals.failures;
    into.active += other.active;
    into.idle += other.idle;
    into.queued += other.queued;
    // Every worker has the same endpoints; it is the worst view of them that counts.
    into.configured = std::max(into.configured, other.configured);
    into.down = std::max(into.down, other.down);
    into.failing = std::max(into.failing, other.failing);
    into.ejected = std::max(into.ejected, other.ejected);
    into.panic |= other.panic;
    into.draining = std::max(into.draining, other.draining);
    for (const EndpointStats& endpoint : other.endpoints) {
        const auto same = std::find_if(
            into.endpoints.begin(), into.endpoints.end(), [&](const EndpointStats& candidate) {
                return candidate.address == endpoint.address && candidate.port == endpoint.port &&
                       candidate.retired == endpoint.retired;
            });
        if (same == into.endpoints.end()) {
            into.endpoints.push_back(endpoint);
        } else {
            merge(*same, endpoint);
        }
    }
}

void merge(RouteStats& into, const RouteStats& other) {
    into.traffic.merge(other.traffic);
}

// The workers' rows as one list, sorted, those of the same key merged.
template <typename T, typename Key>
std::vector<T> mergeAll(std::vector<std::vector<T>> parts, Key T::*key) {
    std::vector<T> merged = std::move(parts.front());
    for (std::size_t i = 1; i < parts.size(); ++i) {
        std::vector<T> both;
        both.reserve(std::max(merged.size(), parts[i].size()));
        auto left = merged.begin();
        for (T& right : parts[i]) {
            while (left != merged.end() && (*left).*key < right.*key)
                both.push_back(std::move(*left++));
            if (left != merged.end() && (*left).*key == right.*key) {
                both.push_back(std::move(*left++));
                merge(both.back(), right);
            } else {
                both.push_back(std::move(right));
            }
        }
        std::move(left, merged.end(), std::back_inserter(both));
        merged = std::move(both);
    }
    return merged;
}

}  // namespace

// What one worker's requests leave to those that wait in another. Any worker's thread; the workers
// stay as long as the pool.
class SlotPost final : public upstream::SlotMail {
public:
    explicit SlotPost(const std::vector<std::unique_ptr<Worker>>& workers) : workers_(workers) {}

    void grant(unsigned worker, std::uint32_t backend, upstream::EndpointSlotsPtr slot) override {
        workers_[worker]->post([to = workers_[worker].get(), backend, slot = std::move(slot)] {
            to->receiveSlot(backend, slot);
        });
    }

    void look(unsigned worker, std::uint32_t backend) override {
        workers_[worker]->post(
            [to = workers_[worker].get(), backend] { to->lookAtQueue(backend); });
    }

private:
    const std::vector<std::unique_ptr<Worker>>& workers_;
};

BoundListener::~BoundListener() {
    for (const int fd : fds_) {
        if (fd >= 0)
            ::close(fd);
    }
}

std::uint16_t BoundListener::port() const noexcept {
    return net::SocketAddress::localOf(fds_.front()).port();
}

int BoundListener::take(std::size_t worker) noexcept {
    return std::exchange(fds_[worker], -1);
}

WorkerPool::WorkerPool(boost::asio::any_io_executor control, WorkerPoolOptions options)
    : control_(std::move(control)), options_(std::move(options)) {
    if (options_.accessLog != http::AccessLogFormat::off)
        log_ = std::make_unique<AccessLogWriter>(options_.accessLog, options_.accessLogPath);
    ticketKeys_ = tls::TicketKeys::next(nullptr);
    options_.workers = std::max(1u, options_.workers);
    std::random_device entropy;
    const auto seed = [&entropy] { return (std::uint64_t{entropy()} << 32) | entropy(); };
    limits_ = std::make_unique<SharedLimits>(options_, seed());
    post_ = std::make_unique<SlotPost>(workers_);
    slots_ = std::make_unique<upstream::SlotTable>(options_.workers, post_.get());
    outliers_ = std::make_unique<OutlierMonitor>(
        control_, slots_->outliers(),
        [this](std::vector<EjectionChange> changes) { setEjected(std::move(changes)); });
    slots_->outliers().setMail(outliers_.get());
    for (unsigned i = 0; i < options_.workers; ++i) {
        workers_.push_back(
            std::make_unique<Worker>(i, seed(), log_.get(), options_, *limits_, *slots_));
        workers_.back()->setTicketKeys(ticketKeys_);
    }
}

WorkerPool::~WorkerPool() {
    stop();
}

void WorkerPool::start() {
    for (const auto& worker : workers_)
        worker->start();
}

void WorkerPool::rotateTicketKeys() {
    // Without randomness now the old keys serve on.
    spreadTicketKeys(tls::TicketKeys::next(ticketKeys_.get()));
}

bool WorkerPool::useTicketKeys(std::span<const std::string> keys) {
    return spreadTicketKeys(tls::TicketKeys::of(keys, ticketKeys_.get()));
}

bool WorkerPool::spreadTicketKeys(std::shared_ptr<const tls::TicketKeys> keys) {
    if (!keys)
        return false;
    ticketKeys_ = std::move(keys);
    for (const auto& each : workers_)
        each->post([worker = each.get(), held = ticketKeys_] { worker->setTicketKeys(held); });
    return true;
}

void WorkerPool::setStaples(std::shared_ptr<const tls::Staples> staples) {
    for (const auto& each : workers_)
        each->post([worker = each.get(), staples] { worker->setStaples(staples); });
}

void WorkerPool::stop() {
    for (const auto& worker : workers_)
        worker->stop();
}

std::unique_ptr<BoundListener> WorkerPool::bind(const std::string& name,
                                                const model::Listener& listener,
                                                std::string& error) {
    auto address = net::SocketAddress::parse(listener.address, listener.port);
    if (!address) {
        error = "not an IP address: " + listener.address;
        return nullptr;
    }
    const std::string text = address->textWithPort();
    // SO_REUSEPORT would let us share the port with another process of the same user without a
    // word, and every other connection would go there: refuse, unless it is a port of our own.
    const bool own = std::any_of(openPorts_.begin(), openPorts_.end(),
                                 [&](const auto& entry) { return entry.second == listener.port; });
    if (!own && listener.port != 0 && net::portTaken(*address)) {
        error = text + ": address in use by another process";
        return nullptr;
    }
    net::ListenOptions options;
    options.deferAccept = listener.protocol != model::ListenerProtocol::tcp;
    options.backlog = kBacklog;
    options.unsentLimit = net::kClientUnsentLimit;
    std::vector<int> fds;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        const auto fd = net::openListener(*address, options);
        if (!fd) {
            error = text + ": " + fd.error().message();
            for (const int open : fds)
                ::close(open);
            return nullptr;
        }
        fds.push_back(*fd);
        // Port 0: all workers share the port the first one got.
        if (i == 0)
            address = net::SocketAddress::localOf(*fd);
    }
    return std::make_unique<BoundListener>(name, std::move(fds));
}

void WorkerPool::publish(Publication publication, std::function<void()> applied) {
    for (const std::string& name : publication.close)
        openPorts_.erase(name);
    for (const BoundListener& listener : publication.open)
        openPorts_[listener.name()] = listener.port();
    const auto endpoints =
        std::make_shared<const std::vector<EndpointsUpdate>>(std::move(publication.endpoints));
    const auto close =
        std::make_shared<const std::vector<std::string>>(std::move(publication.close));
    const auto forget =
        std::make_shared<const std::vector<routing::BackendId>>(std::move(publication.forget));
    const auto recycled = std::make_shared<const RecycledIds>(std::move(publication.recycled));
    auto gather = std::make_shared<Gather<Nothing>>(
        control_, workers_.size(), [applied = std::move(applied)](auto) { applied(); });
    // Workers take a snapshot together: whoever saw a new host answered by one worker finds it in
    // every other. The wait is for the slowest worker's turn, and only when routes change. Every
    // worker gets the same publications in the same order, so none waits for one that never comes.
    const auto together =
        std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(workers_.size()));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        WorkerPublication part{publication.snapshot, endpoints, {}, close, forget, recycled};
        for (BoundListener& listener : publication.open)
            part.open.emplace_back(listener.name(), net::Socket(listener.take(i)));
        Worker* const worker = workers_[i].get();
        worker->post([worker, i, part = std::move(part), gather, together]() mutable {
            together->arrive_and_wait();
            worker->publish(part);
            Gather<Nothing>::give(std::move(gather), i, {});
        });
    }
    for (const EndpointsUpdate& update : *endpoints)
        outliers_->setEndpoints(update.backend, update.endpoints);
    outliers_->setBackends(publication.snapshot->backends);
    for (const routing::BackendId id : *forget)
        outliers_->forget(id);
}

void WorkerPool::updateEndpoints(std::vector<EndpointsUpdate> updates,
                                 std::function<void()> applied) {
    const auto shared = std::make_shared<const std::vector<EndpointsUpdate>>(std::move(updates));
    auto gather = std::make_shared<Gather<Nothing>>(
        control_, workers_.size(), [applied = std::move(applied)](auto) { applied(); });
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        Worker* const worker = workers_[i].get();
        worker->post([worker, i, shared, gather]() mutable {
            worker->updateEndpoints(*shared);
            Gather<Nothing>::give(std::move(gather), i, {});
        });
    }
    for (const EndpointsUpdate& update : *shared)
        outliers_->setEndpoints(update.backend, update.endpoints);
}

void WorkerPool::setHealth(std::vector<health::EndpointHealth> changes) {
    const auto shared =
        std::make_shared<const std::vector<health::EndpointHealth>>(std::move(changes));
    for (const auto& each : workers_)
        each->post([worker = each.get(), shared] { worker->setHealth(*shared); });
}

void WorkerPool::setEjected(std::vector<EjectionChange> changes) {
    const auto shared = std::make_shared<const std::vector<EjectionChange>>(std::move(changes));
    for (const auto& each : workers_)
        each->post([worker = each.get(), shared] { worker->setEjected(*shared); });
}

void WorkerPool::logEjections(OutlierMonitor::OnEvent onEvent) {
    outliers_->setLog(std::move(onEvent));
}

void WorkerPool::addEjections(std::vector<BackendStats>& backends) const {
    for (BackendStats& backend : backends)
        backend.ejections = outliers_->ejections(backend.id);
}

template <typename T, typename Report>
void WorkerPool::collectSlices(Report report,
                               std::function<void(std::vector<std::vector<T>>)> done) {
    using Parts = Gather<std::vector<T>>;

    struct Slices {
        Worker& worker;
        std::size_t index;
        std::shared_ptr<Parts> gather;
        Report report;
        std::vector<T> rows;
        std::size_t next = 0;

        static void run(std::shared_ptr<Slices> self) {
            if (self->report(self->worker, self->next, self->rows))
                return Parts::give(std::move(self->gather), self->index, std::move(self->rows));
            Worker& worker = self->worker;
            worker.post([self = std::move(self)]() mutable { run(std::move(self)); });
        }
    };

    auto gather = std::make_shared<Parts>(control_, workers_.size(), std::move(done));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        auto slices = std::shared_ptr<Slices>(new Slices{*workers_[i], i, gather, report, {}, 0});
        workers_[i]->post(
            [slices = std::move(slices)]() mutable { Slices::run(std::move(slices)); });
    }
}

void WorkerPool::collect(std::function<void(std::vector<WorkerStats>)> done) {
    collectSlices<WorkerStats>(
        [](const Worker& worker, std::size_t& next, std::vector<WorkerStats>& rows) {
            return worker.reportStats(next, rows);
        },
        [done = std::move(done)](std::vector<std::vector<WorkerStats>> parts) {
            std::vector<WorkerStats> all;
            for (auto& part : parts)
                std::move(part.begin(), part.end(), std::back_inserter(all));
            done(std::move(all));
        });
}

void WorkerPool::collectBackends(std::vector<routing::BackendId> ids,
                                 std::function<void(std::vector<BackendStats>)> done) {
    std::sort(ids.begin(), ids.end());
    const auto wanted = std::make_shared<const BackendSelection>(BackendSelection{std::move(ids)});
    collectSlices<BackendStats>(
        [wanted](const Worker& worker, std::size_t& next, std::vector<BackendStats>& rows) {
            return worker.reportBackends(*wanted, next, rows);
        },
        [this, done = std::move(done)](std::vector<std::vector<BackendStats>> parts) {
            std::vector<BackendStats> merged = mergeAll(std::move(parts), &BackendStats::id);
            addEjections(merged);
            done(std::move(merged));
        });
}

void WorkerPool::collectTraffic(bool endpoints, std::function<void(TrafficReport)> done) {
    const auto wanted = std::make_shared<const BackendSelection>(BackendSelection{{}, endpoints});
    const auto backends = [wanted](const Worker& worker, std::size_t& next,
                                   std::vector<BackendStats>& rows) {
        return worker.reportBackends(*wanted, next, rows);
    };
    const auto routes = [](const Worker& worker, std::size_t& next, std::vector<RouteStats>& rows) {
        return worker.reportRoutes(next, rows);
    };
    collectSlices<BackendStats>(
        backends, [this, routes, done = std::move(done)](auto parts) mutable {
            auto report = std::make_shared<TrafficReport>();
            report->backends = mergeAll(std::move(parts), &BackendStats::id);
            addEjections(report->backends);
            collectSlices<RouteStats>(routes, [report, done = std::move(done)](auto rows) {
                report->routes = mergeAll(std::move(rows), &RouteStats::index);
                done(std::move(*report));
            });
        });
}

void WorkerPool::collectConnections(std::size_t limit,
                                    std::function<void(std::vector<ConnectionInfo>)> done) {
    using Part = std::vector<ConnectionInfo>;
    auto gather = std::make_shared<Gather<Part>>(
        control_, workers_.size(), [done = std::move(done)](std::vector<Part> parts) {
            Part all;
            for (Part& part : parts)
                std::move(part.begin(), part.end(), std::back_inserter(all));
            done(std::move(all));
        });
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        Worker* const worker = workers_[i].get();
        worker->post([worker, i, limit, gather]() mutable {
            Gather<Part>::give(std::move(gather), i, worker->connections(limit));
        });
    }
}

void WorkerPool::drain(std::chrono::milliseconds timeout, std::function<void(std::size_t)> done) {
    auto gather = std::make_shared<Gather<std::size_t>>(
        control_, workers_.size(), [done = std::move(done)](std::vector<std::size_t> cut) {
            std::size_t sum = 0;
            for (const std::size_t part : cut)
                sum += part;
            done(sum);
        });
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        Worker* const worker = workers_[i].get();
        worker->post([worker, i, timeout, gather]() mutable {
            worker->drain(timeout, [i, gather = std::move(gather)](std::size_t cut) mutable {
                Gather<std::size_t>::give(std::move(gather), i, cut);
            });
        });
    }
}

LimitUse WorkerPool::limitUse() const {
    return {limits_->clients.connections(), limits_->clients.clients(),
            limits_->buffers.reserved()};
}

std::uint64_t WorkerPool::accessLogDropped() const noexcept {
    return log_ ? log_->dropped() : 0;
}

bool WorkerPool::reopenAccessLog(std::function<void(std::error_code)> done) {
    if (!log_)
        return false;
    return log_->reopen([control = control_, done = std::move(done)](std::error_code error) {
        boost::asio::post(control, [done, error] { done(error); });
    });
}

}  // namespace evergate::worker
