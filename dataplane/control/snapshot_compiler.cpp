// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/snapshot_compiler.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "dataplane/control/tls_compiler.hpp"

namespace evergate::dataplane {
namespace {

class FixedIds final : public routing::BackendIds {
public:
    explicit FixedIds(const Candidate& candidate) : candidate_(candidate) {}

    routing::BackendId idOf(const std::string& name) override { return candidate_.ids.at(name); }

    std::uint32_t statsIndexOf(const std::string& route, std::uint32_t place) override {
        const auto found = candidate_.routeIds.find(route);
        return found == candidate_.routeIds.end() ? place : found->second;
    }

private:
    const Candidate& candidate_;
};

bool validatedBefore(const model::Config* previous, const model::Key& key,
                     const model::Entry& entry) {
    if (previous == nullptr)
        return false;
    const auto it = previous->entries().find(key);
    return it != previous->entries().end() && it->second.value == entry.value;
}

std::vector<model::KeyedProblem> findProblems(const Candidate& candidate) {
    std::vector<model::KeyedProblem> problems;
    for (const auto& [key, entry] : candidate.config->entries()) {
        if (validatedBefore(candidate.previous.get(), key, entry))
            continue;
        for (model::Problem& problem : model::validate(key, *entry.value))
            problems.push_back({key, std::move(problem)});
    }
    if (!problems.empty())
        return problems;
    return model::crossCheck(*candidate.config);
}

std::vector<routing::BackendSpec> backendSpecs(const Candidate& candidate) {
    std::vector<routing::BackendSpec> specs;
    for (const auto& [key, entry] : EntriesOfKind(*candidate.config, model::Kind::backend)) {
        // Aliasing: an unchanged backend keeps the very policy object it had.
        std::shared_ptr<const model::Backend> policy(
            entry.value, std::get_if<model::Backend>(entry.value.get()));
        specs.push_back({candidate.ids.at(key.name), key.name, std::move(policy)});
    }
    std::sort(specs.begin(), specs.end(),
              [](const auto& left, const auto& right) { return left.id < right.id; });
    return specs;
}

std::vector<routing::ListenerSpec> listenerSpecs(const Candidate& candidate,
                                                 const routing::RoutingTable& routes) {
    std::vector<routing::ListenerSpec> specs;
    for (const auto& [key, entry] : EntriesOfKind(*candidate.config, model::Kind::listener)) {
        routing::ListenerSpec spec;
        spec.name = key.name;
        spec.listener = std::get<model::Listener>(*entry.value);
        if (model::carriesBytes(spec.listener.protocol)) {
            spec.backendId = candidate.ids.at(spec.listener.backend);
            spec.sources = routing::sourcesOf(spec.listener);
        } else {
            spec.routeIndex = routes.listenerIndex(key.name);
        }
        spec.introducers = routing::networksOf(spec.listener.proxyProtocolFrom);
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace

EntriesOfKind::EntriesOfKind(const model::Config& config, model::Kind kind)
    : begin_(config.entries().lower_bound(model::Key{kind, ""})), end_(begin_) {
    while (end_ != config.entries().end() && end_->first.kind == kind)
        ++end_;
}

Compiled compileSnapshot(const Candidate& candidate) {
    Compiled result;
    result.problems = findProblems(candidate);
    if (!result.problems.empty())
        return result;

    const model::Config& config = *candidate.config;
    auto snapshot = std::make_shared<routing::Snapshot>();
    snapshot->version = candidate.version;
    for (const auto& [key, entry] : EntriesOfKind(config, model::Kind::settings))
        snapshot->settings = std::get<model::Settings>(*entry.value);
    snapshot->trustedProxies = routing::networksOf(snapshot->settings.trustedProxies);
    FixedIds ids(candidate);
    snapshot->routes = routing::compile(config, ids);
    snapshot->backends = backendSpecs(candidate);
    snapshot->listeners = listenerSpecs(candidate, snapshot->routes);
    compileTls(candidate, *snapshot, result.problems);
    if (result.problems.empty())
        result.snapshot = std::move(snapshot);
    return result;
}

}  // namespace evergate::dataplane
