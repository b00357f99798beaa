// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/checker.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <tuple>
#include <utility>

#include "common/model/backend_protocol.hpp"
#include "dataplane/health/check_state.hpp"
#include "dataplane/tls/client_context.hpp"

namespace evergate::health {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

bool wanted(const model::Backend& policy) {
    return policy.healthCheck.type != model::HealthCheckType::none;
}

std::uint16_t portOf(const model::Endpoint& endpoint, const model::HealthCheck& check) noexcept {
    return check.port != 0 ? check.port : endpoint.port;
}

// Everything that decides what a check does: equal keys, one check.
std::string keyOf(const model::Endpoint& endpoint, const model::Backend& policy) {
    const model::HealthCheck& check = policy.healthCheck;
    std::string key = endpoint.address;
    const auto add = [&key](const auto& part) {
        key += '\n';
        if constexpr (std::is_convertible_v<decltype(part), std::string_view>) {
            key += part;
        } else {
            key += std::to_string(part);
        }
    };
    add(portOf(endpoint, check));
    add(static_cast<int>(check.type));
    add(check.path);
    add(check.host);
    add(check.interval.count());
    add(check.timeout.count());
    add(check.healthyThreshold);
    add(check.unhealthyThreshold);
    add(check.statusLow);
    add(check.statusHigh);
    add(check.grpcService);
    add(static_cast<int>(policy.proxyProtocol));
    add(static_cast<int>(portOf(endpoint, check) == endpoint.port));
    add(static_cast<int>(policy.protocol));
    if (model::usesTls(policy.protocol) || check.type == model::HealthCheckType::tls) {
        add(static_cast<int>(policy.tlsVerify));
        add(policy.tlsServerName);
        add(policy.tlsAuthorities);
        add(policy.tlsCertificate);
    }
    return key;
}

bool sameEndpoint(const model::Endpoint& a, const model::Endpoint& b) {
    return std::tie(a.address, a.port) == std::tie(b.address, b.port);
}

}  // namespace

// One thing checked, for everybody who wants it checked this way.
class Checker::Target {
public:
    struct Member {
        routing::BackendId backend;
        model::Endpoint endpoint;
    };

    Target(const asio::any_io_executor& executor, std::string targetKey, ProbeTarget what)
        : key(std::move(targetKey)), probeTarget(std::move(what)), timer(executor) {}

    const model::HealthCheck& check() const { return probeTarget.policy->healthCheck; }

    std::string addressText() const {
        const auto& where = probeTarget.where;
        const std::string address = where.address().to_string();
        return (where.address().is_v6() ? '[' + address + ']' : address) + ':' +
               std::to_string(where.port());
    }

    const std::string key;
    ProbeTarget probeTarget;
    CheckState state;
    std::string detail = "not checked yet";
    std::vector<Member> members;  // empty: nobody wants it any more
    asio::steady_timer timer;
};

struct Checker::Backend {
    std::shared_ptr<const model::Backend> policy;
    std::shared_ptr<const model::Endpoints> endpoints;
    std::vector<model::Endpoint> checked;  // sorted by address and port, as endpoints are
    std::vector<TargetPtr> targets;        // of each of them
    std::shared_ptr<const tls::Certificate> shown;

    const Target* find(const std::string& address, std::uint16_t port) const {
        const auto at =
            std::lower_bound(checked.begin(), checked.end(), std::tie(address, port),
                             [](const model::Endpoint& endpoint, const auto& wantedKey) {
                                 return std::tie(endpoint.address, endpoint.port) < wantedKey;
                             });
        const bool found = at != checked.end() && at->address == address && at->port == port;
        return found ? targets[static_cast<std::size_t>(at - checked.begin())].get() : nullptr;
    }
};

Checker::Checker(asio::any_io_executor executor, Options options, OnChange onChange,
                 OnTransition onTransition)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      onChange_(std::move(onChange)),
      onTransition_(std::move(onTransition)),
      random_(options_.seed),
      self_(std::make_shared<Checker*>(this)) {}

Checker::~Checker() {
    stop();
}

void Checker::stop() {
    self_.reset();
    waiting_.clear();
    for (const auto& [key, target] : targets_) {
        target->timer.cancel();
    }
    targets_.clear();
    backends_.clear();
}

void Checker::setBackends(const std::vector<routing::BackendSpec>& specs) {
    for (const routing::BackendSpec& spec : specs) {
        Backend& backend = backends_[spec.id];
        const auto before = std::exchange(backend.policy, spec.policy);
        const auto shown = spec.trust ? spec.trust->shown() : nullptr;
        const bool renewed = std::exchange(backend.shown, shown) != shown;
        if (before != spec.policy && (before == nullptr || *before != *spec.policy)) {
            rebuild(spec.id, backend);
        }
        if (renewed) {
            for (const TargetPtr& target : backend.targets) {
                target->probeTarget.shown = shown;
            }
        }
    }
}

void Checker::setEndpoints(routing::BackendId id,
                           std::shared_ptr<const model::Endpoints> endpoints) {
    Backend& backend = backends_[id];
    backend.endpoints = std::move(endpoints);
    rebuild(id, backend);
}

void Checker::forget(routing::BackendId id) {
    const auto at = backends_.find(id);
    if (at == backends_.end()) {
        return;
    }
    at->second.policy = nullptr;
    rebuild(id, at->second);
    backends_.erase(at);
}

// Takes the new checks first and lets go of the old ones then: what is in both goes on undisturbed.
// Workers begin with "up" for an endpoint they did not know, and keep what they knew of the others.
void Checker::rebuild(routing::BackendId id, Backend& backend) {
    const Backend old{nullptr, nullptr, std::exchange(backend.checked, {}),
                      std::exchange(backend.targets, {}), nullptr};
    const bool checking = backend.policy && wanted(*backend.policy);
    if (!backend.endpoints || (!checking && old.targets.empty())) {
        return;
    }
    std::vector<EndpointHealth> changes;
    for (const model::Endpoint& endpoint : backend.endpoints->endpoints) {
        const Target* before = old.find(endpoint.address, endpoint.port);
        const TargetPtr target =
            checking ? acquire(endpoint, backend.policy, backend.shown) : nullptr;
        const bool up = target == nullptr || target->state.up();
        if (up != (before == nullptr || before->state.up())) {
            changes.push_back({id, endpoint.address, endpoint.port, up});
        }
        if (target != nullptr) {
            target->members.push_back({id, endpoint});
            backend.checked.push_back(endpoint);
            backend.targets.push_back(target);
        }
    }
    for (std::size_t i = 0; i < old.targets.size(); ++i) {
        release(old.targets[i], id, old.checked[i]);
    }
    if (!changes.empty()) {
        onChange_(std::move(changes));
    }
}

Checker::TargetPtr Checker::acquire(const model::Endpoint& endpoint,
                                    const std::shared_ptr<const model::Backend>& policy,
                                    const std::shared_ptr<const tls::Certificate>& shown) {
    std::string key = keyOf(endpoint, *policy);
    if (const auto known = targets_.find(key); known != targets_.end()) {
        return known->second;
    }
    error_code error;
    const auto address = asio::ip::make_address(endpoint.address, error);
    if (error || !self_) {
        return nullptr;
    }
    const std::uint16_t port = portOf(endpoint, policy->healthCheck);
    auto target = std::make_shared<Target>(
        executor_, key,
        ProbeTarget{{address, port}, policy, port == endpoint.port, options_.sources, shown});
    targets_.emplace(std::move(key), target);
    // The first check decides alone: soon, but not all of them in the same moment.
    const auto spread = static_cast<std::uint64_t>(
        std::min<std::int64_t>(target->check().interval.count() / 2, 1'000));
    schedule(target, milliseconds(random_() % (spread + 1)));
    return target;
}

void Checker::release(const TargetPtr& target, routing::BackendId id,
                      const model::Endpoint& endpoint) {
    auto& members = target->members;
    const auto at = std::find_if(members.begin(), members.end(), [&](const Target::Member& member) {
        return member.backend == id && sameEndpoint(member.endpoint, endpoint);
    });
    if (at != members.end()) {
        members.erase(at);
    }
    if (members.empty()) {
        targets_.erase(target->key);
        target->timer.cancel();
    }
}

void Checker::schedule(const TargetPtr& target, milliseconds delay) {
    target->timer.expires_after(delay);
    target->timer.async_wait(
        [weak = std::weak_ptr(self_), target](const boost::system::error_code& cancelled) {
            const auto self = weak.lock();
            if (self && !cancelled && !target->members.empty()) {
                (*self)->due(target);
            }
        });
}

void Checker::due(const TargetPtr& target) {
    if (counters_.running >= options_.concurrent) {
        waiting_.push_back(target);
    } else {
        run(target);
    }
}

void Checker::run(const TargetPtr& target) {
    ++counters_.running;
    asio::co_spawn(executor_, probe(target->probeTarget),
                   [weak = std::weak_ptr(self_), target](const std::exception_ptr& thrown,
                                                         ProbeResult result) {
                       const auto self = weak.lock();
                       if (!self) {
                           return;
                       }
                       if (thrown) {
                           result = {false, "could not be made"};
                       }
                       (*self)->finished(target, std::move(result));
                   });
}

void Checker::finished(const TargetPtr& target, ProbeResult result) {
    --counters_.running;
    while (!waiting_.empty() && counters_.running < options_.concurrent) {
        const TargetPtr next = std::move(waiting_.front());
        waiting_.pop_front();
        if (!next->members.empty()) {
            run(next);
        }
    }
    if (target->members.empty()) {
        return;
    }
    ++(result.good ? counters_.good : counters_.bad);
    target->detail = std::move(result.detail);
    if (target->state.note(result.good, target->check())) {
        onTransition_(target->addressText(), target->state.up(), target->detail);
        std::vector<EndpointHealth> changes;
        for (const Target::Member& member : target->members) {
            changes.push_back({member.backend, member.endpoint.address, member.endpoint.port,
                               target->state.up()});
        }
        onChange_(std::move(changes));
    }
    schedule(target, jittered(target->check().interval));
}

std::optional<CheckFacts> Checker::facts(routing::BackendId id, const std::string& address,
                                         std::uint16_t port) const {
    const auto at = backends_.find(id);
    if (at == backends_.end()) {
        return std::nullopt;
    }
    const Target* target = at->second.find(address, port);
    if (target == nullptr) {
        return std::nullopt;
    }
    return CheckFacts{target->state.up(), target->state.proven(), target->detail};
}

CheckCounters Checker::counters() const noexcept {
    CheckCounters counters = counters_;
    counters.targets = targets_.size();
    return counters;
}

// 90..110 %: checks of many data planes do not fall into step.
milliseconds Checker::jittered(milliseconds interval) {
    const auto tenth = static_cast<std::uint64_t>(interval.count()) / 10;
    return interval - milliseconds(tenth) + milliseconds(random_() % (2 * tenth + 1));
}

}  // namespace evergate::health
