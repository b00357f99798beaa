// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/metric_table.hpp"

#include <array>

namespace evergate::dataplane {
namespace {

using process::MetricDescription;

constexpr auto counter = process::MetricKind::counter;
constexpr auto gauge = process::MetricKind::gauge;
constexpr auto histogram = process::MetricKind::histogram;

constexpr std::array<MetricDescription, static_cast<std::size_t>(Metric::count_)> kTable{{
    {"evergate_connections", gauge, "state",
     "Client connections open now: busy (a request or tunnel is under way) or idle (between "
     "requests)."},
    {"evergate_connections_accepted_total", counter, "",
     "Client connections accepted, HTTP and TCP."},
    {"evergate_tunnels", gauge, "", "Upgraded connections (WebSocket and others) open now."},
    {"evergate_tcp_connections_total", counter, "", "Connections accepted by TCP listeners."},
    {"evergate_requests_total", counter, "code",
     "Requests ended, by status code of the response sent: those in use on the web by themselves, "
     "any other as its class (4xx); none when no response could be sent."},
    {"evergate_request_heads_total", counter, "", "Request heads received, refused ones included."},
    {"evergate_requests_active", gauge, "", "Requests under way."},
    {"evergate_requests_queued", gauge, "",
     "Requests and TCP connections waiting because every endpoint is at its connection limit."},
    {"evergate_queue_wait_seconds", histogram, "",
     "Time requests and TCP connections waited for an endpoint under its limit, however that "
     "ended; only those that had to."},
    {"evergate_request_duration_seconds", histogram, "",
     "Time from a complete request head to the last byte of the response. Upgraded connections "
     "are left out."},
    {"evergate_errors_total", counter, "reason",
     "Requests that failed in the proxy itself; the reasons are those of the access log."},
    {"evergate_client_received_bytes_total", counter, "", "Bytes received from clients."},
    {"evergate_client_sent_bytes_total", counter, "", "Bytes sent to clients."},
    {"evergate_listener_connections", gauge, "listener, address",
     "Connections open now that this listener accepted."},
    {"evergate_listener_connections_accepted_total", counter, "listener, address",
     "Connections this listener accepted."},
    {"evergate_listener_connections_refused_total", counter, "listener, address",
     "Connections this listener refused because a limit was reached; evergate_errors_total has the "
     "reasons."},
    {"evergate_listener_connections_limit", gauge, "listener, address",
     "Connections this listener may have at once; absent without a limit of its own."},
    {"evergate_accept_pauses_total", counter, "worker",
     "Times accepting paused because descriptors ran out."},
    {"evergate_proxy_headers_total", counter, "result",
     "Connections that had to begin with a PROXY protocol header: proxied (it named the client), "
     "local (it named nobody), malformed or missing, closed (the peer left without a word) or "
     "timeout."},
    {"evergate_compressed_responses_total", counter, "coding",
     "Responses compressed: gzip, br or zstd."},
    {"evergate_compression_input_bytes_total", counter, "",
     "Bytes of bodies that were compressed, as they came; counted when they end."},
    {"evergate_compression_output_bytes_total", counter, "",
     "Bytes these bodies were compressed to."},
    {"evergate_compression_denied_total", counter, "",
     "Responses left as they were because memory for compression was used up."},
    {"evergate_compression_memory_bytes", gauge, "",
     "Memory reserved for compression, a part of evergate_worker_buffer_bytes."},
    {"evergate_tls_handshakes_total", counter, "version, resumed",
     "TLS handshakes with clients, by version and whether a session was resumed."},
    {"evergate_tls_handshake_failures_total", counter, "reason",
     "TLS handshakes with clients that failed: closed (the client left), plain_http, version, "
     "parameters (no common cipher), alpn, alert (the client refused), verification (its "
     "certificate is not trusted), no_certificate (it needs one), protocol, timeout or "
     "rate_limited (--tls-handshake-rate)."},
    {"evergate_certificate_expiry_timestamp_seconds", gauge, "certificate",
     "When a certificate in use ends, since the Unix epoch."},
    {"evergate_ocsp_fetches_total", counter, "result",
     "Questions to OCSP responders about certificates shown to clients: good, revoked, unknown "
     "(the responder does not know it), refused (an error), invalid (not verified, or out of its "
     "time), unreachable, forbidden (--ocsp) or no_issuer (the chain lacks it)."},
    {"evergate_ocsp_certificates", gauge, "state",
     "Certificates in use that name an OCSP responder: stapled (there is an answer that holds) or "
     "missing."},
    {"evergate_http2_connections", gauge, "", "Client connections that speak HTTP/2."},
    {"evergate_http2_connections_total", counter, "", "Client connections that spoke HTTP/2."},
    {"evergate_http2_streams", gauge, "", "Requests of HTTP/2 clients under way."},
    {"evergate_http2_streams_total", counter, "", "Requests HTTP/2 clients began."},
    {"evergate_http2_client_resets_total", counter, "",
     "Requests HTTP/2 clients cancelled before the response was over."},
    {"evergate_http2_refusals_total", counter, "reason",
     "Connections and streams ended because of what an HTTP/2 client did: protocol_error, "
     "malformed_request, rapid_reset, header_flood (CONTINUATION or HPACK), settings_flood, "
     "ping_flood, empty_data, tiny_data, control_flood (WINDOW_UPDATE, PRIORITY), unanswered (it "
     "reads no answers), stalled (its window or socket stayed closed) or timeout (no preface, "
     "SETTINGS or whole head in time)."},

    {"evergate_route_requests_total", counter, "route, backend, code",
     "Requests ended that matched a route, by status code."},
    {"evergate_route_request_duration_seconds", histogram, "route, backend",
     "Time from a complete request head to the last byte of the response."},
    {"evergate_route_info", gauge, "route, backend, host, path, origin",
     "Always 1; what a route matches and the object it came from."},

    {"evergate_upstream_connects_total", counter, "", "New connections to endpoints begun."},
    {"evergate_upstream_reuses_total", counter, "", "Requests sent on a pooled connection."},
    {"evergate_upstream_connect_seconds", histogram, "",
     "Time to connect to an endpoint, of connects that succeeded."},
    {"evergate_upstream_tls_handshakes_total", counter, "version, resumed",
     "TLS handshakes with endpoints, by version and whether a session was resumed."},
    {"evergate_upstream_tls_handshake_failures_total", counter, "reason",
     "TLS handshakes with endpoints that failed; verification: the certificate is not trusted or "
     "for another name."},
    {"evergate_upstream_first_byte_seconds", histogram, "",
     "Time from a complete request head to the endpoint's response head."},
    {"evergate_retries_total", counter, "", "Requests sent again to another endpoint."},
    {"evergate_retries_denied_total", counter, "",
     "Requests not sent again because their backend's retry budget was used up."},
    {"evergate_hedged_connects_total", counter, "",
     "Second connects begun because the first one took longer than hedgeConnect."},
    {"evergate_upstream_received_bytes_total", counter, "", "Bytes received from endpoints."},
    {"evergate_upstream_sent_bytes_total", counter, "", "Bytes sent to endpoints."},
    {"evergate_spliced_bytes_total", counter, "",
     "Bytes of bodies and tunnels that went from one connection to another inside the kernel "
     "(splice), without a copy."},
    {"evergate_backend_requests_total", counter, "backend, code",
     "Requests ended that were for a backend, by status code; none: no response was sent."},
    {"evergate_backend_request_duration_seconds", histogram, "backend",
     "Time from a complete request head to the last byte of the response."},
    {"evergate_backend_first_byte_seconds", histogram, "backend",
     "Time from a complete request head to the endpoint's response head."},
    {"evergate_backend_errors_total", counter, "backend, reason",
     "Requests for a backend that failed in the proxy itself, as evergate_errors_total."},
    {"evergate_backend_retries_total", counter, "backend",
     "Requests for a backend sent again to another endpoint."},
    {"evergate_backend_retries_denied_total", counter, "backend",
     "Requests for a backend not sent again because its retry budget was used up."},
    {"evergate_backend_ejections_total", counter, "backend, reason",
     "Endpoints passive checks took out, by reason: consecutive_failures, failure_share or "
     "latency. How many are out now: evergate_backend_endpoints{state=\"ejected\"}."},
    {"evergate_backend_panic", gauge, "backend",
     "1 while so few endpoints are usable that checks are not believed and all are used."},
    {"evergate_backend_request_bytes_total", counter, "backend",
     "Bytes of request bodies, tunnels and TCP connections for a backend, from clients."},
    {"evergate_backend_response_bytes_total", counter, "backend",
     "Bytes sent to clients for a backend."},
    {"evergate_backend_tcp_connections_total", counter, "backend",
     "Connections of TCP listeners that reached an endpoint of a backend."},
    {"evergate_backend_endpoints", gauge, "backend, state",
     "Endpoints of a backend: ready, failing (left out for a moment after failed connects), down "
     "(by its health checks), ejected (by passive checks) or draining (removed, still finishing "
     "requests)."},
    {"evergate_backend_requests_active", gauge, "backend",
     "Requests and connections under way to a backend."},
    {"evergate_backend_requests_queued", gauge, "backend",
     "Requests and TCP connections waiting for an endpoint of a backend under its limit."},
    {"evergate_backend_idle_connections", gauge, "backend", "Pooled connections to a backend."},
    {"evergate_backend_connects_total", counter, "backend",
     "Connections to endpoints of a backend begun."},
    {"evergate_backend_connect_failures_total", counter, "backend",
     "Connections to endpoints of a backend that failed."},
    {"evergate_backend_failures_total", counter, "backend",
     "Requests endpoints of a backend failed: closed early, answered badly or not in time."},
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
     "1 while the endpoint takes requests, 0 while it is failing or down."},
    {"evergate_series_left_out", gauge, "kind",
     "Objects without series of their own because there are more than the limit: endpoint "
     "(--endpoint-metrics-limit, evergate_endpoint_*), route (--route-metrics-limit, "
     "evergate_route_*), histogram (--histogram-metrics-limit, histograms of backends); 0: none."},

    {"evergate_config_version", gauge, "", "Version of the configuration the workers serve from."},
    {"evergate_config_apply_seconds", gauge, "",
     "Time the last configuration took from the controller's call to the last worker."},
    {"evergate_config_applied_timestamp_seconds", gauge, "",
     "When the last configuration was applied, since the Unix epoch; absent before the first."},
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
    {"evergate_worker_cpu_seconds_total", counter, "worker", "CPU time of a worker's thread."},
    {"evergate_worker_poll_turns_total", counter, "worker", "Turns of a worker's socket loop."},
    {"evergate_worker_poll_events_total", counter, "worker", "Socket events a worker handled."},
    {"evergate_worker_buffer_bytes", gauge, "worker", "Buffer memory a worker holds."},
    {"evergate_worker_timers", gauge, "worker",
     "Deadlines armed: of connections, requests, pooled connections and queues."},
    {"evergate_worker_buffer_pauses_total", counter, "worker",
     "Reads of bodies put off because buffer memory was used up."},
    {"evergate_worker_shed_share", gauge, "worker",
     "Share of new connections and requests a worker turns away because it is behind, 0 to 1."},
    {"evergate_loop_lag_seconds", histogram, "",
     "How late the workers' ticks ran, ten a second each: as long waits everything that comes in."},
    {"evergate_accesslog_dropped_total", counter, "",
     "Access-log lines dropped because their writer was behind."},
    {"evergate_own_sockets", gauge, "state",
     "TCP sockets of this process by state (established, close_wait, fin_wait1 and so on). Sockets "
     "it has closed are not its own any more: evergate_sockets counts them."},
    {"evergate_close_wait_sockets", gauge, "older_than",
     "Own sockets in CLOSE_WAIT whose peer has been silent for so long: nobody has answered its "
     "close. Stays 0 above 1m unless something leaks."},
    {"evergate_sockets", gauge, "state",
     "TCP sockets of this network namespace (inuse, orphan, tw: TIME_WAIT, alloc), from "
     "/proc/net/sockstat."},
    {"evergate_socket_memory_bytes", gauge, "",
     "Memory of TCP sockets of this machine, from /proc/net/sockstat."},
    {"evergate_limit_open_files", gauge, "", "Descriptors this process may open (RLIMIT_NOFILE)."},
    {"evergate_limit_memory_bytes", gauge, "", "Memory the cgroup grants; absent when unlimited."},
    {"evergate_limit_socket_memory_bytes", gauge, "",
     "Memory of TCP sockets at which the kernel drops data (the third number of tcp_mem)."},
    {"evergate_limit_local_ports", gauge, "",
     "Local ports for connections to one endpoint (ip_local_port_range)."},
    {"evergate_limit_cpus", gauge, "", "CPUs granted by affinity and cgroup; may be a fraction."},
    {"evergate_limit_accept_queue", gauge, "",
     "Longest queue of connections not yet accepted (somaxconn)."},
    {"evergate_limit_connections", gauge, "",
     "Client connections there may be at once (--max-connections)."},
    {"evergate_used_connections", gauge, "",
     "Client connections that count towards evergate_limit_connections."},
    {"evergate_used_clients", gauge, "",
     "Client addresses with a connection; counted only while there is a limit per client."},
    {"evergate_limit_buffer_bytes", gauge, "",
     "Memory all buffers may take (--max-buffer-memory)."},
    {"evergate_used_buffer_bytes", gauge, "",
     "Memory workers have reserved for buffers, towards evergate_limit_buffer_bytes."},
    {"evergate_limit_overload_lag_seconds", gauge, "",
     "Lag of a worker's loop above which it turns work away (--overload-lag); absent when never."},
    {"evergate_build_info", gauge, "version", "Always 1; the label says what runs."},
}};

constexpr std::string_view kIntroduction =
    R"(# Metrics

<!-- Generated: `{ evergate-dataplane --print-metrics-doc; evergate-controller --source=kubernetes --print-metrics-doc; } > docs/metrics.md`.
     Unit tests keep it current. -->

`GET /metrics` on the admin address of either program (`--admin-listen`: 127.0.0.1:9302 of the data plane,
127.0.0.1:9301 of the controller unless set) answers in the Prometheus text format. Units are seconds and bytes.

How many series there are is bounded: labels are names from the configuration or words from a fixed list, never
anything a client sent. A `code` is one of 50 status codes by itself, any other as its class (`4xx`), so `code=~"5.."`
finds every server error. Backends and routes have series for what happened to them, not for what could have.

Names of backends and routes begin with their namespace (`default/shop/80`) where the source has any. Series of what was removed are gone with the
next scrape. When it comes back its counters go on where they were (the last 1,024 that were removed are remembered;
endpoints begin again at 0).

## Data plane

Counters are plain integers per worker, summed when scraped: scraping costs the request path nothing but a few messages
per worker, each answered in well under a millisecond.

)";

}  // namespace

std::span<const MetricDescription> metricTable() noexcept {
    return kTable;
}

std::string metricsDocument() {
    return std::string(kIntroduction) + process::metricsAsMarkdown(kTable) + "\n";
}

}  // namespace evergate::dataplane
