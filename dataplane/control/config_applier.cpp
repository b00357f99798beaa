// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/config_applier.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cassert>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "dataplane/tls/certificate.hpp"

namespace evergate::dataplane {
namespace {

const routing::ListenerSpec* findListener(const routing::Snapshot* snapshot,
                                          const std::string& name) {
    if (snapshot == nullptr)
        return nullptr;
    const auto it = std::lower_bound(
        snapshot->listeners.begin(), snapshot->listeners.end(), name,
        [](const routing::ListenerSpec& spec, const std::string& key) { return spec.name < key; });
    return it != snapshot->listeners.end() && it->name == name ? &*it : nullptr;
}

// Names that are gone but whose counters go on when they come back.
constexpr std::size_t kRemembered = 1'024;

// A changed protocol needs new sockets too: their options differ.
bool sameSockets(const model::Listener& left, const model::Listener& right) {
    return left.address == right.address && left.port == right.port &&
           left.protocol == right.protocol;
}

std::vector<routing::BackendId> idsOf(const routing::Snapshot* snapshot) {
    std::vector<routing::BackendId> ids;
    if (snapshot == nullptr)
        return ids;
    ids.reserve(snapshot->backends.size());
    for (const auto& backend : snapshot->backends)
        ids.push_back(backend.id);
    return ids;
}

std::vector<std::uint32_t> routeIdsOf(const routing::Snapshot& snapshot) {
    std::vector<std::uint32_t> ids;
    ids.reserve(snapshot.routes.targets().size());
    for (const auto& target : snapshot.routes.targets())
        ids.push_back(target->statsIndex);
    return ids;
}

}  // namespace

ConfigApplier::ConfigApplier(boost::asio::any_io_executor control, SnapshotPublisher& publisher,
                             RevisionObserver observer)
    : control_(std::move(control)),
      publisher_(publisher),
      observer_(std::move(observer)),
      ids_(kRemembered),
      routeIds_(kRemembered),
      noEndpoints_(std::make_shared<const model::Endpoints>()),
      fallbackCertificate_(tls::Certificate::selfSigned()) {}

ConfigApplier::~ConfigApplier() {
    compiler_.join();
}

void ConfigApplier::applyConfig(std::shared_ptr<const model::Config> next, std::uint64_t version,
                                std::function<void(std::vector<model::KeyedProblem>)> done) {
    assert(!attempt_ && "one configuration at a time");
    const model::Config empty;
    const model::Delta delta = model::diff(config_ ? *config_ : empty, *next, model::Lane::config);
    Attempt attempt;
    attempt.next = next;
    attempt.start = std::chrono::steady_clock::now();
    attempt.record.version = version;
    attempt.record.lane = model::Lane::config;
    attempt.record.rootHash = next->root(model::Lane::config).toHex();
    attempt.record.upserts = delta.upserts.size();
    attempt.record.deletes = delta.deletes.size();
    attempt.done = std::move(done);
    attempt_ = std::move(attempt);
    touched_.clear();

    Candidate candidate{next, config_, version, {}, {}, snapshot_, fallbackCertificate_};
    for (const auto& [key, entry] : EntriesOfKind(*next, model::Kind::backend))
        candidate.ids.emplace(key.name, ids_.reserve(key.name));
    // A route that changes its backend is counted anew: both are labels of its series.
    for (const auto& [key, entry] : EntriesOfKind(*next, model::Kind::route)) {
        if (const auto* route = std::get_if<model::Route>(entry.value.get())) {
            candidate.routeIds.emplace(key.name,
                                       routeIds_.reserve(key.name + '\n' + route->backend));
        }
    }
    boost::asio::post(compiler_, [this, candidate = std::move(candidate)] {
        Compiled compiled = compileSnapshot(candidate);
        boost::asio::post(control_, [this, compiled = std::move(compiled)]() mutable {
            publish(std::move(compiled));
        });
    });
}

void ConfigApplier::publish(Compiled compiled) {
    if (!compiled.problems.empty())
        return refuse(std::move(compiled.problems));
    worker::Publication publication;
    std::vector<model::KeyedProblem> problems;
    if (!bindListeners(*compiled.snapshot, publication, problems))
        return refuse(std::move(problems));

    adoptEndpoints(*compiled.snapshot, publication);
    config_ = std::move(attempt_->next);
    snapshot_ = compiled.snapshot;
    publication.snapshot = std::move(compiled.snapshot);
    ids_.commit(snapshot_, idsOf(snapshot_.get()));
    routeIds_.commit(snapshot_, routeIdsOf(*snapshot_));
    publication.forget = ids_.collect();
    routeIds_.collect();
    publication.recycled = {ids_.evict(), routeIds_.evict()};
    publisher_.publish(std::move(publication), [this] { finish(); });
}

bool ConfigApplier::bindListeners(const routing::Snapshot& next, worker::Publication& publication,
                                  std::vector<model::KeyedProblem>& problems) {
    for (const auto& spec : next.listeners) {
        const routing::ListenerSpec* open = findListener(snapshot_.get(), spec.name);
        if (open != nullptr && sameSockets(open->listener, spec.listener))
            continue;
        std::string error;
        auto bound = publisher_.bind(spec.name, spec.listener, error);
        if (bound) {
            publication.open.push_back(std::move(*bound));
            continue;
        }
        const model::Key key{model::Kind::listener, spec.name};
        problems.push_back({key, {model::toText(key), error}});
    }
    if (snapshot_) {
        for (const auto& spec : snapshot_->listeners) {
            if (findListener(&next, spec.name) == nullptr)
                publication.close.push_back(spec.name);
        }
    }
    return problems.empty();
}

// Brings the candidate's endpoints into ours (except where ours are newer) and gives the workers
// what they lack: changed endpoints, and those of backends they did not serve before.
void ConfigApplier::adoptEndpoints(const routing::Snapshot& next,
                                   worker::Publication& publication) {
    const model::Delta delta = model::diff(endpoints_, *attempt_->next, model::Lane::endpoints);
    std::unordered_set<std::string_view> changed;
    for (const auto& [key, entry] : delta.upserts) {
        if (touched_.contains(key))
            continue;
        endpoints_.put(key, entry);
        changed.insert(key.name);
    }
    for (const auto& key : delta.deletes) {
        if (touched_.contains(key))
            continue;
        endpoints_.erase(key);
        changed.insert(key.name);
    }

    const std::vector<routing::BackendId> before = idsOf(snapshot_.get());
    for (const auto& backend : next.backends) {
        const bool served = std::binary_search(before.begin(), before.end(), backend.id);
        if (!served || changed.contains(backend.name))
            publication.endpoints.push_back({backend.id, endpointsOf(backend.name)});
    }
}

void ConfigApplier::refuse(std::vector<model::KeyedProblem> problems) {
    ids_.rollback();
    routeIds_.rollback();
    Attempt attempt = std::move(*attempt_);
    attempt_.reset();
    ++rejected_;
    for (const auto& [key, problem] : problems) {
        const std::string text = model::toText(key);
        attempt.record.problems.push_back(
            (problem.where.starts_with(text) ? problem.where : text + ": " + problem.where) + ": " +
            problem.what);
    }
    report(std::move(attempt.record), attempt.start);
    attempt.done(std::move(problems));
}

void ConfigApplier::finish() {
    Attempt attempt = std::move(*attempt_);
    attempt_.reset();
    ready_ = true;
    ++applied_[index(model::Lane::config)];
    lastApplied_ = std::chrono::system_clock::now();
    lastApplyTime_ = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - attempt.start);
    report(std::move(attempt.record), attempt.start);
    attempt.done({});
}

void ConfigApplier::applyEndpoints(const model::Delta& delta, std::uint64_t version,
                                   std::function<void()> done) {
    const auto start = std::chrono::steady_clock::now();
    model::apply(endpoints_, delta);
    endpointsVersion_ = version;

    std::vector<worker::EndpointsUpdate> updates;
    const auto touch = [&](const model::Key& key) {
        if (attempt_)
            touched_.insert(key);
        if (const auto id = ids_.find(key.name))
            updates.push_back({*id, endpointsOf(key.name)});
    };
    for (const auto& [key, entry] : delta.upserts)
        touch(key);
    for (const auto& key : delta.deletes)
        touch(key);

    RevisionRecord record;
    record.version = version;
    record.lane = model::Lane::endpoints;
    record.rootHash = endpoints_.root(model::Lane::endpoints).toHex();
    record.upserts = delta.upserts.size();
    record.deletes = delta.deletes.size();
    auto applied = [this, record = std::move(record), start, done = std::move(done)]() mutable {
        ++applied_[index(model::Lane::endpoints)];
        report(std::move(record), start);
        done();
    };
    if (updates.empty())
        return applied();
    publisher_.updateEndpoints(std::move(updates), std::move(applied));
}

void ConfigApplier::report(RevisionRecord record, std::chrono::steady_clock::time_point start) {
    record.appliedAt = std::chrono::system_clock::now();
    record.micros =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                       std::chrono::steady_clock::now() - start)
                                       .count());
    if (observer_)
        observer_(record);
    history_.add(std::move(record));
}

std::shared_ptr<const model::Endpoints> ConfigApplier::endpointsOf(
    const std::string& backend) const {
    const auto it = endpoints_.entries().find(model::Key{model::Kind::endpoints, backend});
    if (it == endpoints_.entries().end())
        return noEndpoints_;
    const auto& value = it->second.value;
    return {value, std::get_if<model::Endpoints>(value.get())};
}

}  // namespace evergate::dataplane
