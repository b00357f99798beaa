// SPDX-License-Identifier: Apache-2.0
// The one table of what the data plane measures: /metrics and docs/metrics.md are both made from
// it.
//
// Pure. A metric exists exactly if it is here; its place in the enum is its place in the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/process/metric_table.hpp"

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
    requestsQueued,
    queueWait,
    requestDuration,
    errors,
    clientReceived,
    clientSent,
    listenerConnections,
    listenerAccepted,
    listenerRefused,
    listenerLimit,
    acceptPauses,
    proxyHeaders,
    compressedResponses,
    compressionInput,
    compressionOutput,
    compressionDenied,
    compressionMemory,
    tlsHandshakes,
    tlsHandshakeFailures,
    certificateExpiry,
    ocspFetches,
    ocspCertificates,
    http2Connections,
    http2ConnectionsTotal,
    http2Streams,
    http2StreamsTotal,
    http2Resets,
    http2Refusals,
    // Routes.
    routeRequests,
    routeDuration,
    routeInfo,
    // Upstream.
    upstreamConnects,
    upstreamReuses,
    upstreamConnectTime,
    upstreamTlsHandshakes,
    upstreamTlsFailures,
    upstreamFirstByte,
    retries,
    retriesDenied,
    hedgedConnects,
    upstreamReceived,
    upstreamSent,
    spliced,
    backendRequests,
    backendDuration,
    backendFirstByte,
    backendErrors,
    backendRetries,
    backendRetriesDenied,
    backendEjections,
    backendPanic,
    backendRequestBytes,
    backendResponseBytes,
    backendTcpConnections,
    backendEndpoints,
    backendRequestsActive,
    backendQueued,
    backendIdleConnections,
    backendConnects,
    backendConnectFailures,
    backendFailures,
    endpointRequests,
    endpointRequestsActive,
    endpointIdleConnections,
    endpointConnects,
    endpointConnectFailures,
    endpointFailures,
    endpointUp,
    seriesLeftOut,
    // Configuration.
    configVersion,
    configApply,
    configAppliedAt,
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
    workerCpu,
    workerPollTurns,
    workerPollEvents,
    workerBufferBytes,
    workerTimers,
    workerBufferPauses,
    workerShedShare,
    loopLag,
    accessLogDropped,
    ownSockets,
    closeWaitSockets,
    sockets,
    socketMemory,
    limitOpenFiles,
    limitMemory,
    limitSocketMemory,
    limitLocalPorts,
    limitCpus,
    limitAcceptQueue,
    limitConnections,
    usedConnections,
    usedClients,
    limitBufferBytes,
    usedBufferBytes,
    limitOverloadLag,
    buildInfo,
    count_,
};

std::span<const process::MetricDescription> metricTable() noexcept;

// The data plane's part of docs/metrics.md: its first one.
std::string metricsDocument();

}  // namespace evergate::dataplane
