// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/metrics.hpp"

#include <algorithm>
#include <array>

#include "common/process/prometheus_text.hpp"
#include "common/process/version.hpp"
#include "dataplane/control/metric_rows.hpp"
#include "dataplane/control/metric_table.hpp"
#include "dataplane/http/proxy_error.hpp"

namespace evergate::dataplane {
namespace {

using process::PrometheusText;

constexpr std::array<std::string_view, 6> kCodeClasses{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

void addHandshakes(PrometheusText& text, Metric done, Metric failed,
                   const net::HandshakeCounts& counts) {
    for (std::size_t i = 0; i < counts.done.size(); ++i) {
        const std::string_view version = net::HandshakeCounts::kVersions[i];
        text.add(done, {{"version", version}, {"resumed", "false"}}, counts.done[i][0]);
        text.add(done, {{"version", version}, {"resumed", "true"}}, counts.done[i][1]);
    }
    for (std::size_t i = 1; i < counts.failed.size(); ++i) {
        const auto reason = net::name(static_cast<net::HandshakeFailure>(i));
        text.add(failed, {{"reason", reason}}, counts.failed[i]);
    }
}

void addHttp2(PrometheusText& text, const http2::ServerCounts& counts) {
    text.add(Metric::http2Connections, counts.activeConnections);
    text.add(Metric::http2ConnectionsTotal, counts.connections);
    text.add(Metric::http2Streams, counts.activeStreams);
    text.add(Metric::http2StreamsTotal, counts.streams);
    text.add(Metric::http2Resets, counts.resetsByClient);
    for (std::size_t i = 0; i < counts.refusals.size(); ++i) {
        const auto reason = http2::name(static_cast<http2::Refusal>(i));
        text.add(Metric::http2Refusals, {{"reason", reason}}, counts.refusals[i]);
    }
}

void addClients(PrometheusText& text, const session::Counters& sum) {
    const std::uint64_t busy =
        sum.activeConnections - std::min(sum.idleConnections, sum.activeConnections);
    text.add(Metric::connections, {{"state", "busy"}}, busy);
    text.add(Metric::connections, {{"state", "idle"}}, sum.idleConnections);
    text.add(Metric::connectionsAccepted, sum.accepted);
    text.add(Metric::tunnels, sum.tunnels);
    text.add(Metric::tcpConnections, sum.tcpConnections);
    // All of them, so that the first request of a kind is a change that rate() can see.
    for (std::size_t i = 0; i < session::StatusCounts::kLabels; ++i) {
        text.add(Metric::requests, {{"code", session::StatusCounts::label(i)}},
                 sum.statuses.count(i));
    }
    text.add(Metric::requestHeads, sum.requests);
    text.add(Metric::requestsActive, sum.activeRequests);
    text.add(Metric::requestsQueued, sum.queued);
    addHistogram(text, Metric::queueWait, {}, sum.queueWaits);
    addHistogram(text, Metric::requestDuration, {}, sum.durations);
    for (std::size_t i = 1; i < sum.errors.size(); ++i) {
        const auto reason = http::info(static_cast<http::ProxyError>(i)).reason;
        text.add(Metric::errors, {{"reason", reason}}, sum.errors[i]);
    }
    text.add(Metric::clientReceived, sum.bytesFromClients);
    text.add(Metric::clientSent, sum.bytesToClients);
    for (std::size_t i = 0; i < sum.proxyHeaders.size(); ++i) {
        const auto result = session::name(static_cast<session::ProxyHeaderOutcome>(i));
        text.add(Metric::proxyHeaders, {{"result", result}}, sum.proxyHeaders[i]);
    }
    addHandshakes(text, Metric::tlsHandshakes, Metric::tlsHandshakeFailures, sum.tls);
    addHttp2(text, sum.http2);
}

void addUpstream(PrometheusText& text, const session::Counters& sum,
                 const std::vector<worker::WorkerStats>& workers) {
    text.add(Metric::upstreamConnects, sum.upstreamConnects);
    text.add(Metric::upstreamReuses, sum.upstreamReuses);
    upstream::DurationHistogram connects;
    for (const worker::WorkerStats& worker : workers)
        connects.merge(worker.connectDurations);
    net::HandshakeCounts handshakes;
    for (const worker::WorkerStats& worker : workers)
        handshakes.add(worker.upstreamTls);
    addHandshakes(text, Metric::upstreamTlsHandshakes, Metric::upstreamTlsFailures, handshakes);
    addHistogram(text, Metric::upstreamConnectTime, {}, connects);
    addHistogram(text, Metric::upstreamFirstByte, {}, sum.firstBytes);
    text.add(Metric::retries, sum.retries);
    text.add(Metric::retriesDenied, sum.retriesDenied);
    text.add(Metric::hedgedConnects, sum.hedges);
    text.add(Metric::upstreamReceived, sum.bytesFromUpstreams);
    text.add(Metric::upstreamSent, sum.bytesToUpstreams);
    text.add(Metric::spliced, sum.bytesSpliced);
}

void addCompression(PrometheusText& text, const std::vector<worker::WorkerStats>& workers) {
    session::CompressionCounts sum;
    for (const worker::WorkerStats& worker : workers)
        sum.add(worker.compression);
    for (std::size_t i = 1; i < sum.responses.size(); ++i) {
        const auto coding = http::name(static_cast<http::ContentCoding>(i));
        text.add(Metric::compressedResponses, {{"coding", coding}}, sum.responses[i]);
    }
    text.add(Metric::compressionInput, sum.bytesIn);
    text.add(Metric::compressionOutput, sum.bytesOut);
    text.add(Metric::compressionDenied, sum.denied);
    text.add(Metric::compressionMemory, sum.memory);
}

void addListeners(PrometheusText& text, const std::vector<worker::WorkerStats>& workers) {
    for (const auto& listener : sumListeners(workers)) {
        const process::MetricLabels labels{{"listener", listener.name},
                                           {"address", listener.address}};
        text.add(Metric::listenerConnections, labels, listener.active);
        text.add(Metric::listenerAccepted, labels, listener.accepted);
        text.add(Metric::listenerRefused, labels, listener.refused);
        if (listener.maxConnections != 0)
            text.add(Metric::listenerLimit, labels, listener.maxConnections);
    }
}

void addWorkers(PrometheusText& text, const std::vector<worker::WorkerStats>& workers) {
    text.add(Metric::workers, workers.size());
    for (std::size_t i = 0; i < workers.size(); ++i) {
        const std::string index = std::to_string(i);
        const process::MetricLabels labels{{"worker", index}};
        text.add(Metric::acceptPauses, labels, workers[i].acceptPauses);
        text.add(Metric::workerConfigVersion, labels, workers[i].snapshotVersion);
        text.add(Metric::workerCpu, labels, workers[i].cpuSeconds);
        text.add(Metric::workerPollTurns, labels, workers[i].pollerTurns);
        text.add(Metric::workerPollEvents, labels, workers[i].pollerEvents);
        text.add(Metric::workerBufferBytes, labels, workers[i].bufferBytes);
        text.add(Metric::workerTimers, labels, workers[i].timers);
        text.add(Metric::workerBufferPauses, labels, workers[i].bufferPauses);
        text.add(Metric::workerShedShare, labels, workers[i].shedShare);
    }
    upstream::DurationHistogram lag;
    for (const worker::WorkerStats& worker : workers)
        lag.merge(worker.loopLag);
    addHistogram(text, Metric::loopLag, {}, lag);
}

void addControl(PrometheusText& text, const ControlFacts& facts) {
    text.add(Metric::configVersion, facts.configVersion);
    text.add(Metric::configApply, facts.applySeconds);
    if (facts.appliedAt)
        text.add(Metric::configAppliedAt, *facts.appliedAt);
    text.add(Metric::configApplied, {{"lane", "config"}}, facts.configsApplied);
    text.add(Metric::configApplied, {{"lane", "endpoints"}}, facts.endpointsApplied);
    text.add(Metric::configRejected, facts.configsRejected);
    for (const auto& [kind, count] : facts.objects)
        text.add(Metric::configObjects, {{"kind", kind}}, count);
    text.add(Metric::endpointsVersion, facts.endpointsVersion);
    text.add(Metric::rpcConnected, facts.connected);
    if (facts.rpcAgeSeconds)
        text.add(Metric::rpcAge, *facts.rpcAgeSeconds);
    text.add(Metric::rpcConnects, facts.rpcConnects);
    text.add(Metric::rpcFailures, facts.rpcFailures);
    text.add(Metric::stateWrites, facts.stateWrites);
    text.add(Metric::stateWriteFailures, facts.stateWriteFailures);
    for (const auto& [name, notAfter] : facts.certificates)
        text.add(Metric::certificateExpiry, {{"certificate", name}}, static_cast<double>(notAfter));
    for (std::size_t i = 0; i < facts.ocsp.fetches.size(); ++i) {
        const auto result = tls::name(static_cast<tls::OcspOutcome>(i));
        text.add(Metric::ocspFetches, {{"result", result}}, facts.ocsp.fetches[i]);
    }
    text.add(Metric::ocspCertificates, {{"state", "stapled"}}, facts.ocsp.stapled);
    text.add(Metric::ocspCertificates, {{"state", "missing"}}, facts.ocsp.missing);
    text.add(Metric::ready, facts.ready);
    text.add(Metric::draining, facts.draining);
}

void addSockets(PrometheusText& text, const Scrape& scrape) {
    const OwnSockets& own = scrape.ownSockets;
    for (std::size_t i = 0; i < own.byState.size(); ++i) {
        if (!OwnSockets::kStates[i].empty())
            text.add(Metric::ownSockets, {{"state", OwnSockets::kStates[i]}}, own.byState[i]);
    }
    for (std::size_t i = 0; i < own.closeWait.size(); ++i) {
        text.add(Metric::closeWaitSockets, {{"older_than", OwnSockets::kAges[i].name}},
                 own.closeWait[i]);
    }
    for (const auto& [state, count] : scrape.sockets)
        text.add(Metric::sockets, {{"state", state}}, count);
    if (scrape.socketMemory)
        text.add(Metric::socketMemory, *scrape.socketMemory);
}

void addMachine(PrometheusText& text, const Scrape& scrape) {
    text.add(Metric::accessLogDropped, scrape.accessLogDropped);
    addSockets(text, scrape);
    text.add(Metric::limitOpenFiles, scrape.limits.openFiles);
    if (scrape.limits.memoryBytes)
        text.add(Metric::limitMemory, *scrape.limits.memoryBytes);
    if (scrape.limits.socketMemoryBytes)
        text.add(Metric::limitSocketMemory, *scrape.limits.socketMemoryBytes);
    if (scrape.limits.localPorts != 0)
        text.add(Metric::limitLocalPorts, scrape.limits.localPorts);
    text.add(Metric::limitCpus, scrape.limits.cpus);
    if (scrape.limits.somaxconn != 0)
        text.add(Metric::limitAcceptQueue, scrape.limits.somaxconn);
    text.add(Metric::limitConnections, scrape.serving.maxConnections);
    text.add(Metric::usedConnections, scrape.use.connections);
    text.add(Metric::usedClients, scrape.use.clients);
    text.add(Metric::limitBufferBytes, scrape.serving.bufferBytes);
    text.add(Metric::usedBufferBytes, scrape.use.bufferBytes);
    if (scrape.serving.overloadLag.count() != 0) {
        text.add(Metric::limitOverloadLag,
                 static_cast<double>(scrape.serving.overloadLag.count()) / 1e3);
    }
    text.add(Metric::buildInfo, {{"version", EVERGATE_VERSION}}, 1U);
}

}  // namespace

std::string metricsText(const Scrape& scrape) {
    PrometheusText text(metricTable());
    const session::Counters sum = sumCounters(scrape.workers);
    addClients(text, sum);
    addListeners(text, scrape.workers);
    addUpstream(text, sum, scrape.workers);
    addCompression(text, scrape.workers);
    addTraffic(text, scrape);
    addControl(text, scrape.control);
    addWorkers(text, scrape.workers);
    addMachine(text, scrape);
    return text.take();
}

session::Counters sumCounters(const std::vector<worker::WorkerStats>& workers) {
    session::Counters sum;
    for (const auto& stats : workers)
        sum.add(stats.counters);
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
            sum.refused += listener.refused;
            sum.maxConnections = listener.maxConnections;
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
    if (!endpoint.up)
        return EndpointState::down;
    if (endpoint.ejected)
        return EndpointState::ejected;
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
        case EndpointState::down:
            return "down";
        case EndpointState::ejected:
            return "ejected";
    }
    return "";
}

}  // namespace evergate::dataplane
