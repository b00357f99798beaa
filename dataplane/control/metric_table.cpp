// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/metric_table.hpp"

#include <array>

namespace evergate::dataplane {
namespace {

constexpr auto counter = MetricKind::counter;
constexpr auto gauge = MetricKind::gauge;
constexpr auto histogram = MetricKind::histogram;

constexpr std::array<MetricDescription, static_cast<std::size_t>(Metric::count_)> kTable{{
    {"evergate_connections", gauge, "state",
     "Client connections open now: busy (a request or tunnel is under way) or idle (between "
     "requests)."},
    {"evergate_connections_accepted_total", counter, "",
     "Client connections accepted, HTTP and TCP."},
    {"evergate_tunnels", gauge, "", "Upgraded connections (WebSocket and others) open now."},
    {"evergate_tcp_connections_total", counter, "", "Connections accepted by TCP listeners."},
    {"evergate_requests_total", counter, "code",
     "Requests ended, by class of the response sent (1xx to 5xx), or none when none could be "
     "sent."},
    {"evergate_request_heads_total", counter, "", "Request heads received, refused ones included."},
    {"evergate_requests_active", gauge, "", "Requests under way."},
    {"evergate_request_duration_seconds", histogram, "",
     "Time from a complete request head to the last byte of the response."},
    {"evergate_errors_total", counter, "reason",
     "Requests that failed in the proxy itself; the reasons are those of the access log."},
    {"evergate_client_received_bytes_total", counter, "", "Bytes received from clients."},
    {"evergate_client_sent_bytes_total", counter, "", "Bytes sent to clients."},
    {"evergate_listener_connections", gauge, "listener, address",
     "Connections open now that this listener accepted."},
    {"evergate_listener_connections_accepted_total", counter, "listener, address",
     "Connections this listener accepted."},
    {"evergate_accept_pauses_total", counter, "worker",
     "Times accepting paused because descriptors ran out."},

    {"evergate_upstream_connects_total", counter, "", "New connections to endpoints begun."},
    {"evergate_upstream_reuses_total", counter, "", "Requests sent on a pooled connection."},
    {"evergate_retries_total", counter, "", "Requests sent again to another endpoint."},
    {"evergate_upstream_received_bytes_total", counter, "", "Bytes received from endpoints."},
    {"evergate_upstream_sent_bytes_total", counter, "", "Bytes sent to endpoints."},
    {"evergate_backend_responses_total", counter, "backend, code",
     "Responses of a backend's endpoints by status class; none: no response came."},
    {"evergate_backend_endpoints", gauge, "backend, state",
     "Endpoints of a backend: ready, failing (left out for a moment after failed connects) or "
     "draining "
     "(removed, still finishing requests)."},
    {"evergate_backend_requests_active", gauge, "backend",
     "Requests and connections under way to a backend."},
    {"evergate_backend_idle_connections", gauge, "backend", "Pooled connections to a backend."},
    {"evergate_backend_connect_failures_total", counter, "backend",
     "Failed connects to the present endpoints of a backend."},
    {"evergate_endpoint_requests_total", counter, "backend, endpoint",
     "Requests sent to an endpoint."},
    {"evergate_endpoint_requests_active", gauge, "backend, endpoint",
     "Requests and connections under way to an endpoint."},
    {"evergate_endpoint_idle_connections", gauge, "backend, endpoint",
     "Pooled connections to an endpoint."},
    {"evergate_endpoint_connects_total", counter, "backend, endpoint",
     "Connections to an endpoint begun."},
    {"evergate_endpoint_connect_failures_total", counter, "backend, endpoint",
     "Connections to an endpoint that failed."},
    {"evergate_endpoint_failures_total", counter, "backend, endpoint",
     "Requests an endpoint failed: closed early, answered badly or not in time."},
    {"evergate_endpoint_up", gauge, "backend, endpoint",
     "1 while the endpoint takes requests, 0 while it is failing or draining."},
    {"evergate_endpoint_series_limited", gauge, "",
     "1 when there are more endpoints than --endpoint-metrics-limit: the evergate_endpoint_* "
     "series are "
     "then left out; the evergate_backend_* series stay."},

    {"evergate_config_version", gauge, "", "Version of the configuration the workers serve from."},
    {"evergate_config_apply_seconds", gauge, "",
     "Time the last configuration took from the controller's call to the last worker."},
    {"evergate_config_applied_total", counter, "lane",
     "Revisions applied, by lane (config, endpoints)."},
    {"evergate_config_rejected_total", counter, "",
     "Configurations refused; traffic went on with the one before."},
    {"evergate_config_objects", gauge, "kind",
     "Values of the configuration in use by kind (listener, backend, endpoints, route)."},
    {"evergate_endpoints_version", gauge, "", "Version of the endpoints in use."},
    {"evergate_rpc_connected", gauge, "", "1 while connected to the controller."},
    {"evergate_rpc_age_seconds", gauge, "",
     "Time since the controller was last heard; 0 while connected, absent when it never was."},
    {"evergate_rpc_connects_total", counter, "", "Times the controller was reached and greeted."},
    {"evergate_rpc_failures_total", counter, "",
     "Dials that failed and connections to the controller that ended."},
    {"evergate_state_writes_total", counter, "",
     "Last-known-good configurations written to --state-dir."},
    {"evergate_state_write_failures_total", counter, "",
     "Last-known-good configurations that could not be written."},
    {"evergate_ready", gauge, "", "1 while /readyz says yes."},
    {"evergate_draining", gauge, "", "1 while shutting down."},

    {"evergate_workers", gauge, "", "Worker threads."},
    {"evergate_worker_config_version", gauge, "worker",
     "Version of the configuration a worker serves from."},
    {"evergate_worker_poll_turns_total", counter, "worker", "Turns of a worker's socket loop."},
    {"evergate_worker_poll_events_total", counter, "worker", "Socket events a worker handled."},
    {"evergate_worker_buffer_bytes", gauge, "worker", "Buffer memory a worker holds."},
    {"evergate_accesslog_dropped_total", counter, "",
     "Access-log lines dropped because their writer was behind."},
    {"evergate_sockets", gauge, "state",
     "TCP sockets of this network namespace by state (inuse, orphan, tw, alloc), from "
     "/proc/net/sockstat."},
    {"evergate_limit_open_files", gauge, "", "Descriptors this process may open (RLIMIT_NOFILE)."},
    {"evergate_limit_memory_bytes", gauge, "", "Memory the cgroup grants; absent when unlimited."},
    {"evergate_limit_local_ports", gauge, "",
     "Local ports for connections to one endpoint (ip_local_port_range)."},
    {"evergate_limit_cpus", gauge, "", "CPUs granted by affinity and cgroup; may be a fraction."},
    {"evergate_build_info", gauge, "version", "Always 1; the label says what runs."},
}};

std::string_view kindName(MetricKind kind) {
    switch (kind) {
        case MetricKind::counter:
            return "counter";
        case MetricKind::gauge:
            return "gauge";
        case MetricKind::histogram:
            return "histogram";
    }
    return "";
}

constexpr std::string_view kIntroduction =
    R"(# Metrics of the data plane

<!-- Generated: `evergate-dataplane --print-metrics-doc > docs/metrics.md`. A unit test keeps it current. -->

`GET /metrics` on the admin address (`--admin-listen`, 127.0.0.1:9302 unless set) answers in the
Prometheus text format. Counters are plain integers per worker, summed when scraped: scraping costs the
request path nothing but one message per worker. Units are seconds and bytes.

A counter of a backend or endpoint starts again at 0 when that backend or endpoint is removed and later
comes back; `rate()` copes with that.

| name | type | labels | meaning |
|---|---|---|---|
)";

constexpr std::string_view kEnding = R"(
Besides these there are the usual `process_*` metrics: `process_cpu_seconds_total`,
`process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_open_fds`, `process_max_fds`,
`process_threads` and `process_start_time_seconds`.

## Questions they answer

| question | expression |
|---|---|
| requests per second | `sum(rate(evergate_requests_total[5m]))` |
| share of 5xx answers | `sum(rate(evergate_requests_total{code="5xx"}[5m])) / sum(rate(evergate_requests_total[5m]))` |
| which of our own errors | `sum by (reason) (rate(evergate_errors_total[5m]))` |
| 99th percentile | `histogram_quantile(0.99, sum by (le) (rate(evergate_request_duration_seconds_bucket[5m])))` |
| backends without a usable endpoint | `sum by (backend) (evergate_backend_endpoints{state="ready"}) == 0` |
| are upstream connections reused | `rate(evergate_upstream_reuses_total[5m]) / (rate(evergate_upstream_reuses_total[5m]) + rate(evergate_upstream_connects_total[5m]))` |
| do all data planes serve one version | `max(evergate_config_version) - min(evergate_config_version) > 0` |
| cut off from the controller | `evergate_rpc_connected == 0` |
| descriptors running out | `process_open_fds / evergate_limit_open_files > 0.8` |
)";

}  // namespace

std::span<const MetricDescription> metricTable() noexcept {
    return kTable;
}

const MetricDescription& describe(Metric metric) noexcept {
    return kTable[static_cast<std::size_t>(metric)];
}

std::string metricsDocument() {
    std::string text(kIntroduction);
    for (const MetricDescription& metric : kTable) {
        text +=
            "| `" + std::string(metric.name) + "` | " + std::string(kindName(metric.kind)) + " | ";
        text += metric.labels.empty() ? "" : std::string(metric.labels) + " ";
        text += "| " + std::string(metric.help) + " |\n";
    }
    text += kEnding;
    return text;
}

}  // namespace evergate::dataplane
