// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/metric_rows.hpp"

#include <algorithm>
#include <array>

#include "dataplane/http/proxy_error.hpp"

namespace evergate::dataplane {
namespace {

using process::MetricLabels;
using process::PrometheusText;
using upstream::StatusCounts;

constexpr auto kBounds = [] {
    std::array<double, upstream::kDurationBounds.size()> seconds{};
    for (std::size_t i = 0; i < seconds.size(); ++i)
        seconds[i] = upstream::kDurationBounds[i] / 1e6;
    return seconds;
}();

// Only what happened: the rest would be most of the series of a large cluster.
void addTraffic(PrometheusText& text, std::string_view name,
                const upstream::TrafficCounters& traffic, bool histograms) {
    const MetricLabels labels{{"backend", name}};
    for (std::size_t i = 0; i < StatusCounts::kLabels; ++i) {
        if (const std::uint64_t count = traffic.statuses.count(i); count != 0) {
            text.add(Metric::backendRequests, {{"backend", name}, {"code", StatusCounts::label(i)}},
                     count);
        }
    }
    for (std::size_t i = 1; i < static_cast<std::size_t>(http::ProxyError::count_); ++i) {
        const auto reason = http::info(static_cast<http::ProxyError>(i)).reason;
        if (traffic.reasons[i] != 0) {
            text.add(Metric::backendErrors, {{"backend", name}, {"reason", reason}},
                     traffic.reasons[i]);
        }
    }
    text.add(Metric::backendRetries, labels, traffic.retries);
    text.add(Metric::backendRetriesDenied, labels, traffic.retriesDenied);
    text.add(Metric::backendRequestBytes, labels, traffic.bytesFromClients);
    text.add(Metric::backendResponseBytes, labels, traffic.bytesToClients);
    if (histograms) {
        addHistogram(text, Metric::backendDuration, labels, traffic.durations);
        addHistogram(text, Metric::backendFirstByte, labels, traffic.firstBytes);
    }
}

void addEndpointStates(PrometheusText& text, std::string_view name,
                       const worker::BackendStats& backend) {
    // Workers may differ for a moment: their worst views together can be more than there are.
    const std::uint64_t out =
        std::min(backend.down + backend.ejected + backend.failing, backend.configured);
    const std::array<std::pair<EndpointState, std::uint64_t>, 5> states{
        {{EndpointState::ready, backend.configured - out},
         {EndpointState::failing, backend.failing},
         {EndpointState::down, backend.down},
         {EndpointState::ejected, backend.ejected},
         {EndpointState::draining, backend.draining}}};
    for (const auto& [state, count] : states)
        text.add(Metric::backendEndpoints, {{"backend", name}, {"state", nameOf(state)}}, count);
}

// Only what happened, as with traffic.
void addEjections(PrometheusText& text, std::string_view name,
                  const worker::BackendStats& backend) {
    for (std::size_t i = 0; i < backend.ejections.size(); ++i) {
        const auto reason = upstream::name(static_cast<upstream::EjectionReason>(i));
        if (backend.ejections[i] != 0) {
            text.add(Metric::backendEjections, {{"backend", name}, {"reason", reason}},
                     backend.ejections[i]);
        }
    }
    text.add(Metric::backendPanic, {{"backend", name}}, backend.panic);
}

void addBackend(PrometheusText& text, std::string_view name, const worker::BackendStats& backend,
                bool histograms) {
    const MetricLabels labels{{"backend", name}};
    if (backend.traffic)
        addTraffic(text, name, *backend.traffic, histograms);
    if (backend.tcpConnections != 0)
        text.add(Metric::backendTcpConnections, labels, backend.tcpConnections);
    addEndpointStates(text, name, backend);
    addEjections(text, name, backend);
    text.add(Metric::backendRequestsActive, labels, backend.active);
    text.add(Metric::backendQueued, labels, backend.queued);
    text.add(Metric::backendIdleConnections, labels, backend.idle);
    text.add(Metric::backendConnects, labels, backend.totals.connects);
    text.add(Metric::backendConnectFailures, labels, backend.totals.connectFailures);
    text.add(Metric::backendFailures, labels, backend.totals.failures);
}

void addEndpoints(PrometheusText& text, std::string_view name,
                  const worker::BackendStats& backend) {
    for (const auto& endpoint : backend.endpoints) {
        // One that left and came back may be here twice: the old one with its last requests.
        if (endpoint.retired)
            continue;
        const std::string address = endpointText(endpoint.address, endpoint.port);
        const MetricLabels labels{{"backend", name}, {"endpoint", address}};
        text.add(Metric::endpointRequests, labels, endpoint.requests);
        text.add(Metric::endpointRequestsActive, labels, endpoint.active);
        text.add(Metric::endpointIdleConnections, labels, endpoint.idle);
        text.add(Metric::endpointConnects, labels, endpoint.connects);
        text.add(Metric::endpointConnectFailures, labels, endpoint.connectFailures);
        text.add(Metric::endpointFailures, labels, endpoint.failures);
        text.add(Metric::endpointUp, labels, stateOf(endpoint) == EndpointState::ready);
    }
}

void addRoute(PrometheusText& text, const RouteFacts& facts,
              const upstream::TrafficCounters& traffic) {
    const MetricLabels labels{{"route", facts.route}, {"backend", facts.backend}};
    for (std::size_t i = 0; i < StatusCounts::kLabels; ++i) {
        if (const std::uint64_t count = traffic.statuses.count(i); count != 0) {
            text.add(Metric::routeRequests,
                     {{"route", facts.route},
                      {"backend", facts.backend},
                      {"code", StatusCounts::label(i)}},
                     count);
        }
    }
    addHistogram(text, Metric::routeDuration, labels, traffic.durations);
}

std::size_t leftOut(std::size_t count, std::size_t limit) {
    return count > limit ? count : 0;
}

}  // namespace

void addHistogram(PrometheusText& text, Metric metric, MetricLabels labels,
                  const upstream::DurationHistogram& durations) {
    text.addHistogram(metric, labels,
                      {kBounds, durations.buckets, static_cast<double>(durations.sumMicros) / 1e6});
}

void addTraffic(PrometheusText& text, const Scrape& scrape) {
    const std::size_t noEndpoints = leftOut(scrape.endpointCount, scrape.series.endpoints);
    const std::size_t noRoutes = leftOut(scrape.routes.size(), scrape.series.routes);
    const std::size_t noHistograms = leftOut(scrape.backendCount, scrape.series.histograms);
    text.add(Metric::seriesLeftOut, {{"kind", "endpoint"}}, noEndpoints);
    text.add(Metric::seriesLeftOut, {{"kind", "route"}}, noRoutes);
    text.add(Metric::seriesLeftOut, {{"kind", "histogram"}}, noHistograms);
    for (const auto& backend : scrape.traffic.backends) {
        const std::string_view name = scrape.backendName(backend.id);
        if (name.empty())
            continue;
        addBackend(text, name, backend, noHistograms == 0);
        if (noEndpoints == 0)
            addEndpoints(text, name, backend);
    }
    if (noRoutes != 0)
        return;
    for (const auto& [index, facts] : scrape.routes) {
        text.add(Metric::routeInfo,
                 {{"route", facts.route},
                  {"backend", facts.backend},
                  {"host", facts.host},
                  {"path", facts.path},
                  {"origin", facts.origin}},
                 1U);
    }
    for (const auto& route : scrape.traffic.routes) {
        if (const auto found = scrape.routes.find(route.index); found != scrape.routes.end())
            addRoute(text, found->second, route.traffic);
    }
}

}  // namespace evergate::dataplane
