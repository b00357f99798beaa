// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/worker_pool.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <latch>
#include <random>
#include <utility>

#include "dataplane/net/listen.hpp"
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
}

void merge(BackendStats& into, const BackendStats& other) {
    into.responsesByClass.resize(
        std::max(into.responsesByClass.size(), other.responsesByClass.size()));
    for (std::size_t i = 0; i < other.responsesByClass.size(); ++i)
        into.responsesByClass[i] += other.responsesByClass[i];
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

std::vector<BackendStats> mergeAll(std::vector<std::vector<BackendStats>> parts) {
    std::vector<BackendStats> all;
    for (auto& part : parts)
        std::move(part.begin(), part.end(), std::back_inserter(all));
    std::stable_sort(all.begin(), all.end(),
                     [](const BackendStats& a, const BackendStats& b) { return a.id < b.id; });
    std::vector<BackendStats> merged;
    for (BackendStats& stats : all) {
        if (merged.empty() || merged.back().id != stats.id) {
            merged.push_back(std::move(stats));
        } else {
            merge(merged.back(), stats);
        }
    }
    return merged;
}

}  // namespace

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
    std::random_device entropy;
    for (unsigned i = 0; i < std::max(1u, options_.workers); ++i) {
        const std::uint64_t seed = (std::uint64_t{entropy()} << 32) | entropy();
        workers_.push_back(std::make_unique<Worker>(i, seed, log_.get(), options_.listenerDrain));
    }
}

WorkerPool::~WorkerPool() {
    stop();
}

void WorkerPool::start() {
    for (const auto& worker : workers_)
        worker->start();
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
    options.deferAccept = listener.protocol == model::ListenerProtocol::http;
    options.backlog = kBacklog;
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
    auto gather = std::make_shared<Gather<Nothing>>(
        control_, workers_.size(), [applied = std::move(applied)](auto) { applied(); });
    // Workers take a snapshot together: whoever saw a new host answered by one worker finds it in
    // every other. The wait is for the slowest worker's turn, and only when routes change. Every
    // worker gets the same publications in the same order, so none waits for one that never comes.
    const auto together =
        std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(workers_.size()));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        WorkerPublication part{publication.snapshot, endpoints, {}, close, forget};
        for (BoundListener& listener : publication.open)
            part.open.emplace_back(listener.name(), net::Socket(listener.take(i)));
        Worker* const worker = workers_[i].get();
        worker->post([worker, i, part = std::move(part), gather, together]() mutable {
            together->arrive_and_wait();
            worker->publish(part);
            Gather<Nothing>::give(std::move(gather), i, {});
        });
    }
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
}

void WorkerPool::collect(std::function<void(std::vector<WorkerStats>)> done) {
    auto gather = std::make_shared<Gather<WorkerStats>>(control_, workers_.size(), std::move(done));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        Worker* const worker = workers_[i].get();
        worker->post([worker, i, gather]() mutable {
            Gather<WorkerStats>::give(std::move(gather), i, worker->stats());
        });
    }
}

void WorkerPool::collectBackends(std::vector<routing::BackendId> ids,
                                 std::function<void(std::vector<BackendStats>)> done) {
    using Part = std::vector<BackendStats>;
    const auto shared = std::make_shared<const std::vector<routing::BackendId>>(std::move(ids));
    auto gather = std::make_shared<Gather<Part>>(
        control_, workers_.size(),
        [done = std::move(done)](std::vector<Part> parts) { done(mergeAll(std::move(parts))); });
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        Worker* const worker = workers_[i].get();
        worker->post([worker, i, shared, gather]() mutable {
            Gather<Part>::give(std::move(gather), i, worker->backendStats(*shared));
        });
    }
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

std::uint64_t WorkerPool::accessLogDropped() const noexcept {
    return log_ ? log_->dropped() : 0;
}

}  // namespace evergate::worker
