// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/outlier_monitor.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "dataplane/upstream/registry.hpp"

namespace evergate::worker {

using upstream::OutlierDetector;

// A backend with passive checks.
struct OutlierMonitor::Watch {
    struct Member {
        upstream::EndpointTallyPtr tally;
        model::Endpoint endpoint;
    };

    explicit Watch(const boost::asio::any_io_executor& control) : timer(control) {}

    OutlierDetector detector;
    std::map<std::string, Member> members;
    Time interval{0};
    Time nextInterval{0};
    boost::asio::steady_timer timer;
};

struct OutlierMonitor::Backend {
    std::shared_ptr<const model::Backend> policy;
    std::shared_ptr<const model::Endpoints> endpoints;
    std::unique_ptr<Watch> watch;     // null: no passive checks
    upstream::EjectionCounts past{};  // of watches before this one
};

namespace {

void add(upstream::EjectionCounts& into, const upstream::EjectionCounts& more) {
    for (std::size_t i = 0; i < into.size(); ++i)
        into[i] += more[i];
}

}  // namespace

OutlierMonitor::OutlierMonitor(boost::asio::any_io_executor control, upstream::OutlierBoard& board,
                               OnChange onChange)
    : control_(std::move(control)),
      board_(board),
      onChange_(std::move(onChange)),
      self_(std::make_shared<OutlierMonitor*>(this)) {}

OutlierMonitor::~OutlierMonitor() = default;

OutlierMonitor::Time OutlierMonitor::now() const {
    return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

void OutlierMonitor::setBackends(const std::vector<routing::BackendSpec>& specs) {
    for (const routing::BackendSpec& spec : specs) {
        Backend& backend = backends_[spec.id];
        const auto before = std::exchange(backend.policy, spec.policy);
        if (before != spec.policy && (before == nullptr || before->outlier != spec.policy->outlier))
            update(spec.id, backend);
    }
}

void OutlierMonitor::setEndpoints(routing::BackendId id,
                                  std::shared_ptr<const model::Endpoints> endpoints) {
    Backend& backend = backends_[id];
    backend.endpoints = std::move(endpoints);
    update(id, backend);
}

void OutlierMonitor::forget(routing::BackendId id) {
    backends_.erase(id);
}

// Workers forget by themselves that an endpoint was ejected when it leaves or the checks end.
void OutlierMonitor::update(routing::BackendId id, Backend& backend) {
    const bool wanted = backend.policy && model::watches(backend.policy->outlier);
    if (!wanted) {
        if (backend.watch)
            add(backend.past, backend.watch->detector.ejections());
        backend.watch.reset();
        return;
    }
    if (!backend.watch)
        backend.watch = std::make_unique<Watch>(control_);
    Watch& watch = *backend.watch;
    watch.detector.setPolicy(backend.policy->outlier);
    if (watch.interval != backend.policy->outlier.interval) {
        watch.interval = backend.policy->outlier.interval;
        watch.nextInterval = now() + watch.interval;
    }
    auto before = std::exchange(watch.members, {});
    std::vector<std::string> names;
    if (backend.endpoints) {
        for (const model::Endpoint& endpoint : backend.endpoints->endpoints) {
            names.push_back(upstream::endpointText(endpoint));
            auto known = before.extract(names.back());
            if (known.empty()) {
                watch.members[names.back()] = {board_.tally(id, names.back()), endpoint};
            } else {
                watch.members.insert(std::move(known));
            }
        }
    }
    watch.detector.setEndpoints(names);
    arm(id, watch);
}

upstream::EjectionCounts OutlierMonitor::ejections(routing::BackendId id) const {
    const auto at = backends_.find(id);
    if (at == backends_.end())
        return {};
    upstream::EjectionCounts counts = at->second.past;
    if (at->second.watch)
        add(counts, at->second.watch->detector.ejections());
    return counts;
}

void OutlierMonitor::failing(std::uint32_t id, const upstream::EndpointTallyPtr& tally) {
    boost::asio::post(control_, [weak = std::weak_ptr(self_), id, tally] {
        if (const auto self = weak.lock())
            (*self)->onFailing(id, tally);
    });
}

void OutlierMonitor::onFailing(routing::BackendId id, const upstream::EndpointTallyPtr& tally) {
    const auto at = backends_.find(id);
    if (at == backends_.end() || !at->second.watch)
        return;
    Watch& watch = *at->second.watch;
    const auto member = std::find_if(watch.members.begin(), watch.members.end(),
                                     [&](const auto& each) { return each.second.tally == tally; });
    if (member == watch.members.end())
        return;
    const auto ejection = watch.detector.onFailing(member->first, now());
    if (!ejection)
        return;
    publish(id, watch, {*ejection}, {});
    arm(id, watch);
}

void OutlierMonitor::onTimer(routing::BackendId id) {
    const auto at = backends_.find(id);
    if (at == backends_.end() || !at->second.watch)
        return;
    Watch& watch = *at->second.watch;
    const Time present = now();
    std::vector<OutlierDetector::Ejection> out;
    if (present >= watch.nextInterval) {
        watch.nextInterval = present + watch.interval;
        OutlierDetector::Readings readings;
        for (const auto& [name, member] : watch.members)
            readings.emplace(name, member.tally->read());
        out = watch.detector.onInterval(readings, present);
    }
    const std::vector<std::string> back = watch.detector.takeReturning(present);
    for (const std::string& name : back)
        watch.members.at(name).tally->forgetRow();
    publish(id, watch, out, back);
    arm(id, watch);
}

void OutlierMonitor::arm(routing::BackendId id, Watch& watch) {
    Time next = watch.nextInterval;
    if (const auto back = watch.detector.nextReturn())
        next = std::min(next, *back);
    watch.timer.expires_at(std::chrono::steady_clock::time_point(next));
    watch.timer.async_wait(
        [weak = std::weak_ptr(self_), id](const boost::system::error_code& cancelled) {
            const auto self = weak.lock();
            if (self && !cancelled)
                (*self)->onTimer(id);
        });
}

void OutlierMonitor::publish(routing::BackendId id, const Watch& watch,
                             const std::vector<OutlierDetector::Ejection>& out,
                             const std::vector<std::string>& back) {
    std::vector<EjectionChange> changes;
    const auto tell = [&](const std::string& name, bool ejected) {
        const model::Endpoint& endpoint = watch.members.at(name).endpoint;
        changes.push_back({id, endpoint.address, endpoint.port, ejected});
    };
    const Time present = now();
    for (const auto& ejection : out) {
        tell(ejection.endpoint, true);
        if (onEvent_)
            onEvent_(ejection.endpoint, upstream::name(ejection.reason), ejection.until - present);
    }
    for (const std::string& name : back) {
        tell(name, false);
        if (onEvent_)
            onEvent_(name, {}, Time(0));
    }
    if (!changes.empty())
        onChange_(std::move(changes));
}

}  // namespace evergate::worker
