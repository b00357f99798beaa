// SPDX-License-Identifier: Apache-2.0
// The one table of what the data plane measures: /metrics and docs/metrics.md are both made from
// it.
//
// Pure. A metric exists exactly if it is here; its place in the enum is its place in the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace evergate::dataplane {

enum class Metric : std::uint8_t {
    // Clients and requests.
    connections,
    connectionsAccepted,
    tunnels,
    tcpConnections,
    requests,
    requestHeads,
    requestsActive,
    requestDuration,
    errors,
    clientReceived,
    clientSent,
    listenerConnections,
    listenerAccepted,
    acceptPauses,
    // Upstream.
    upstreamConnects,
    upstreamReuses,
    retries,
    upstreamReceived,
    upstreamSent,
    backendResponses,
    backendEndpoints,
    backendRequestsActive,
    backendIdleConnections,
    backendConnectFailures,
    endpointRequests,
    endpointRequestsActive,
    endpointIdleConnections,
    endpointConnects,
    endpointConnectFailures,
    endpointFailures,
    endpointUp,
    endpointSeriesLimited,
    // Configuration.
    configVersion,
    configApply,
    configApplied,
    configRejected,
    configObjects,
    endpointsVersion,
    rpcConnected,
    rpcAge,
    rpcConnects,
    rpcFailures,
    stateWrites,
    stateWriteFailures,
    ready,
    draining,
    // The process and its machine.
    workers,
    workerConfigVersion,
    workerPollTurns,
    workerPollEvents,
    workerBufferBytes,
    accessLogDropped,
    sockets,
    limitOpenFiles,
    limitMemory,
    limitLocalPorts,
    limitCpus,
    buildInfo,
    count_,
};

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

struct MetricDescription {
    std::string_view name;
    MetricKind kind;
    std::string_view labels;  // "backend, code"; empty: none
    std::string_view help;
};

std::span<const MetricDescription> metricTable() noexcept;
const MetricDescription& describe(Metric metric) noexcept;

// docs/metrics.md, whole.
std::string metricsDocument();

}  // namespace evergate::dataplane
