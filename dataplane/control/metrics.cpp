// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/metrics.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <utility>

#include "dataplane/control/metric_table.hpp"
#include "dataplane/http/proxy_error.hpp"

namespace evergate::dataplane {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

constexpr std::array<std::string_view, 6> kCodeClasses{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

// Families in table order, created by their first value.
class Families {
public:
    void add(Metric metric, Labels labels, double value) {
        ClientMetric sample = labelled(labels);
        if (describe(metric).kind == MetricKind::counter) {
            sample.counter.value = value;
        } else {
            sample.gauge.value = value;
        }
        samples(metric).push_back(std::move(sample));
    }

    void add(Metric metric, double value) { add(metric, {}, value); }

    void addHistogram(Metric metric, const session::DurationHistogram& durations) {
        ClientMetric sample;
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < durations.buckets.size(); ++i) {
            count += durations.buckets[i];
            const double bound = i < session::kDurationBounds.size()
                                     ? session::kDurationBounds[i] / 1e6
                                     : std::numeric_limits<double>::infinity();
            sample.histogram.bucket.push_back({count, bound});
        }
        sample.histogram.sample_count = count;
        sample.histogram.sample_sum = static_cast<double>(durations.sumMicros) / 1e6;
        samples(metric).push_back(std::move(sample));
    }

    std::vector<MetricFamily> take() {
        std::vector<MetricFamily> result;
        for (std::size_t i = 0; i < families_.size(); ++i) {
            MetricFamily& family = families_[i];
            if (family.metric.empty())
                continue;
            const MetricDescription& description = metricTable()[i];
            family.name = description.name;
            family.help = description.help;
            family.type = typeOf(description.kind);
            result.push_back(std::move(family));
        }
        return result;
    }

private:
    static prometheus::MetricType typeOf(MetricKind kind) {
        if (kind == MetricKind::counter)
            return prometheus::MetricType::Counter;
        if (kind == MetricKind::gauge)
            return prometheus::MetricType::Gauge;
        return prometheus::MetricType::Histogram;
    }

    static ClientMetric labelled(Labels labels) {
        ClientMetric sample;
        sample.label.reserve(labels.size());
        for (const auto& [name, value] : labels)
            sample.label.push_back({std::string(name), std::string(value)});
        return sample;
    }

    std::vector<ClientMetric>& samples(Metric metric) {
        return families_[static_cast<std::size_t>(metric)].metric;
    }

    std::array<MetricFamily, static_cast<std::size_t>(Metric::count_)> families_;
};

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

void addClients(Families& families, const session::Counters& sum) {
    const std::uint64_t busy =
        sum.activeConnections - std::min(sum.idleConnections, sum.activeConnections);
    families.add(Metric::connections, {{"state", "busy"}}, number(busy));
    families.add(Metric::connections, {{"state", "idle"}}, number(sum.idleConnections));
    families.add(Metric::connectionsAccepted, number(sum.accepted));
    families.add(Metric::tunnels, number(sum.tunnels));
    families.add(Metric::tcpConnections, number(sum.tcpConnections));
    for (std::size_t i = 0; i < kCodeClasses.size(); ++i)
        families.add(Metric::requests, {{"code", kCodeClasses[i]}}, number(sum.responses[i]));
    families.add(Metric::requestHeads, number(sum.requests));
    families.add(Metric::requestsActive, number(sum.activeRequests));
    families.addHistogram(Metric::requestDuration, sum.durations);
    for (std::size_t i = 1; i < sum.errors.size(); ++i) {
        const auto reason = http::info(static_cast<http::ProxyError>(i)).reason;
        families.add(Metric::errors, {{"reason", reason}}, number(sum.errors[i]));
    }
    families.add(Metric::clientReceived, number(sum.bytesFromClients));
    families.add(Metric::clientSent, number(sum.bytesToClients));
}

void addUpstream(Families& families, const session::Counters& sum) {
    families.add(Metric::upstreamConnects, number(sum.upstreamConnects));
    families.add(Metric::upstreamReuses, number(sum.upstreamReuses));
    families.add(Metric::retries, number(sum.retries));
    families.add(Metric::upstreamReceived, number(sum.bytesFromUpstreams));
    families.add(Metric::upstreamSent, number(sum.bytesToUpstreams));
}

void addListeners(Families& families, const std::vector<worker::WorkerStats>& workers) {
    for (const auto& listener : sumListeners(workers)) {
        const Labels labels{{"listener", listener.name}, {"address", listener.address}};
        families.add(Metric::listenerConnections, labels, number(listener.active));
        families.add(Metric::listenerAccepted, labels, number(listener.accepted));
    }
}

void addWorkers(Families& families, const std::vector<worker::WorkerStats>& workers) {
    families.add(Metric::workers, number(workers.size()));
    for (std::size_t i = 0; i < workers.size(); ++i) {
        const std::string index = std::to_string(i);
        const Labels labels{{"worker", index}};
        families.add(Metric::acceptPauses, labels, number(workers[i].acceptPauses));
        families.add(Metric::workerConfigVersion, labels, number(workers[i].snapshotVersion));
        families.add(Metric::workerPollTurns, labels, number(workers[i].pollerTurns));
        families.add(Metric::workerPollEvents, labels, number(workers[i].pollerEvents));
        families.add(Metric::workerBufferBytes, labels, number(workers[i].bufferBytes));
    }
}

void addBackend(Families& families, std::string_view name, const worker::BackendStats& backend) {
    for (std::size_t i = 0; i < std::min(backend.responsesByClass.size(), kCodeClasses.size());
         ++i) {
        // Classes that never happened would be most of the series of a large cluster.
        if (backend.responsesByClass[i] != 0) {
            families.add(Metric::backendResponses, {{"backend", name}, {"code", kCodeClasses[i]}},
                         number(backend.responsesByClass[i]));
        }
    }
    std::array<std::uint64_t, 3> states{};
    std::uint64_t active = 0;
    std::uint64_t idle = 0;
    std::uint64_t connectFailures = 0;
    for (const auto& endpoint : backend.endpoints) {
        ++states[static_cast<std::size_t>(stateOf(endpoint))];
        active += endpoint.active;
        idle += endpoint.idle;
        connectFailures += endpoint.connectFailures;
    }
    for (std::size_t i = 0; i < states.size(); ++i) {
        families.add(Metric::backendEndpoints,
                     {{"backend", name}, {"state", nameOf(static_cast<EndpointState>(i))}},
                     number(states[i]));
    }
    families.add(Metric::backendRequestsActive, {{"backend", name}}, number(active));
    families.add(Metric::backendIdleConnections, {{"backend", name}}, number(idle));
    families.add(Metric::backendConnectFailures, {{"backend", name}}, number(connectFailures));
}

void addEndpoints(Families& families, std::string_view name, const worker::BackendStats& backend) {
    for (const auto& endpoint : backend.endpoints) {
        const std::string address = endpointText(endpoint.address, endpoint.port);
        const Labels labels{{"backend", name}, {"endpoint", address}};
        families.add(Metric::endpointRequests, labels, number(endpoint.requests));
        families.add(Metric::endpointRequestsActive, labels, number(endpoint.active));
        families.add(Metric::endpointIdleConnections, labels, number(endpoint.idle));
        families.add(Metric::endpointConnects, labels, number(endpoint.connects));
        families.add(Metric::endpointConnectFailures, labels, number(endpoint.connectFailures));
        families.add(Metric::endpointFailures, labels, number(endpoint.failures));
        families.add(Metric::endpointUp, labels,
                     stateOf(endpoint) == EndpointState::ready ? 1.0 : 0.0);
    }
}

void addBackends(Families& families, const Scrape& scrape) {
    std::size_t endpoints = 0;
    for (const auto& backend : scrape.backends)
        endpoints += backend.endpoints.size();
    const bool limited = endpoints > scrape.endpointLimit;
    families.add(Metric::endpointSeriesLimited, limited ? 1.0 : 0.0);
    for (const auto& backend : scrape.backends) {
        const std::string_view name = scrape.backendName(backend.id);
        if (name.empty())
            continue;
        addBackend(families, name, backend);
        if (!limited)
            addEndpoints(families, name, backend);
    }
}

void addControl(Families& families, const ControlFacts& facts) {
    families.add(Metric::configVersion, number(facts.configVersion));
    families.add(Metric::configApply, facts.applySeconds);
    families.add(Metric::configApplied, {{"lane", "config"}}, number(facts.configsApplied));
    families.add(Metric::configApplied, {{"lane", "endpoints"}}, number(facts.endpointsApplied));
    families.add(Metric::configRejected, number(facts.configsRejected));
    for (const auto& [kind, count] : facts.objects)
        families.add(Metric::configObjects, {{"kind", kind}}, number(count));
    families.add(Metric::endpointsVersion, number(facts.endpointsVersion));
    families.add(Metric::rpcConnected, facts.connected ? 1.0 : 0.0);
    if (facts.rpcAgeSeconds)
        families.add(Metric::rpcAge, *facts.rpcAgeSeconds);
    families.add(Metric::rpcConnects, number(facts.rpcConnects));
    families.add(Metric::rpcFailures, number(facts.rpcFailures));
    families.add(Metric::stateWrites, number(facts.stateWrites));
    families.add(Metric::stateWriteFailures, number(facts.stateWriteFailures));
    families.add(Metric::ready, facts.ready ? 1.0 : 0.0);
    families.add(Metric::draining, facts.draining ? 1.0 : 0.0);
}

void addMachine(Families& families, const Scrape& scrape) {
    families.add(Metric::accessLogDropped, number(scrape.accessLogDropped));
    for (const auto& [state, count] : scrape.sockets)
        families.add(Metric::sockets, {{"state", state}}, number(count));
    families.add(Metric::limitOpenFiles, number(scrape.limits.openFiles));
    if (scrape.limits.memoryBytes)
        families.add(Metric::limitMemory, number(*scrape.limits.memoryBytes));
    if (scrape.limits.localPorts != 0)
        families.add(Metric::limitLocalPorts, scrape.limits.localPorts);
    families.add(Metric::limitCpus, scrape.limits.cpus);
    families.add(Metric::buildInfo, {{"version", EVERGATE_VERSION}}, 1.0);
}

template <typename Array>
void addEach(Array& into, const Array& from) {
    for (std::size_t i = 0; i < into.size(); ++i)
        into[i] += from[i];
}

}  // namespace

std::vector<MetricFamily> collectMetrics(const Scrape& scrape) {
    Families families;
    const session::Counters sum = sumCounters(scrape.workers);
    addClients(families, sum);
    addListeners(families, scrape.workers);
    addUpstream(families, sum);
    addBackends(families, scrape);
    addControl(families, scrape.control);
    addWorkers(families, scrape.workers);
    addMachine(families, scrape);
    return families.take();
}

session::Counters sumCounters(const std::vector<worker::WorkerStats>& workers) {
    session::Counters sum;
    for (const auto& stats : workers) {
        const session::Counters& one = stats.counters;
        sum.accepted += one.accepted;
        sum.activeConnections += one.activeConnections;
        sum.idleConnections += one.idleConnections;
        sum.activeRequests += one.activeRequests;
        sum.tunnels += one.tunnels;
        sum.requests += one.requests;
        addEach(sum.responses, one.responses);
        addEach(sum.errors, one.errors);
        sum.bytesFromClients += one.bytesFromClients;
        sum.bytesToClients += one.bytesToClients;
        sum.bytesFromUpstreams += one.bytesFromUpstreams;
        sum.bytesToUpstreams += one.bytesToUpstreams;
        sum.upstreamConnects += one.upstreamConnects;
        sum.upstreamReuses += one.upstreamReuses;
        sum.retries += one.retries;
        sum.tcpConnections += one.tcpConnections;
        addEach(sum.durations.buckets, one.durations.buckets);
        sum.durations.sumMicros += one.durations.sumMicros;
    }
    return sum;
}

std::vector<worker::ListenerStats> sumListeners(const std::vector<worker::WorkerStats>& workers) {
    std::map<std::pair<std::string, std::string>, worker::ListenerStats> sums;
    for (const auto& stats : workers) {
        for (const auto& listener : stats.listeners) {
            auto& sum = sums[{listener.name, listener.address}];
            sum.name = listener.name;
            sum.address = listener.address;
            sum.accepted += listener.accepted;
            sum.active += listener.active;
        }
    }
    std::vector<worker::ListenerStats> result;
    result.reserve(sums.size());
    for (auto& [key, sum] : sums)
        result.push_back(std::move(sum));
    return result;
}

std::string_view codeClass(std::size_t index) noexcept {
    return index < kCodeClasses.size() ? kCodeClasses[index] : "none";
}

std::string endpointText(std::string_view address, std::uint16_t port) {
    std::string text;
    const bool v6 = address.find(':') != std::string_view::npos;
    if (v6)
        text += '[';
    text += address;
    if (v6)
        text += ']';
    return text + ':' + std::to_string(port);
}

EndpointState stateOf(const worker::EndpointStats& endpoint) noexcept {
    if (endpoint.retired)
        return EndpointState::draining;
    return endpoint.failing ? EndpointState::failing : EndpointState::ready;
}

std::string_view nameOf(EndpointState state) noexcept {
    switch (state) {
        case EndpointState::ready:
            return "ready";
        case EndpointState::failing:
            return "failing";
        case EndpointState::draining:
            return "draining";
    }
    return "";
}

}  // namespace evergate::dataplane
