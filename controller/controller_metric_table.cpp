// SPDX-License-Identifier: Apache-2.0
#include "controller/controller_metric_table.hpp"

#include <array>

#include "common/process/process_metrics.hpp"

namespace evergate::controller {

namespace {

using process::MetricDescription;

constexpr auto counter = process::MetricKind::counter;
constexpr auto gauge = process::MetricKind::gauge;
constexpr auto histogram = process::MetricKind::histogram;

constexpr std::array<MetricDescription, static_cast<std::size_t>(ControllerMetric::count_)> kTable{{
    {"evergate_controller_source_synced", gauge, "", "1 once the source has been read completely."},
    {"evergate_controller_source_watching", gauge, "",
     "1 while every watch of the source stands, 0 while one is being listed again or retried."},
    {"evergate_controller_source_objects", gauge, "", "Objects of the source now known."},
    {"evergate_controller_source_events_total", counter, "", "Changes the source reported."},
    {"evergate_controller_source_lists_total", counter, "", "Complete lists of the source."},
    {"evergate_controller_source_errors_total", counter, "",
     "Lists, watches or files of the source that failed."},
    {"evergate_controller_problems", gauge, "",
     "Problems with objects, values left out and keys data planes refused: `evergatectl "
     "problems`."},
    {"evergate_controller_delete_brake", gauge, "",
     "1 while a change that removes most routes waits for a second list."},

    {"evergate_controller_leader", gauge, "",
     "1 while this controller is the one that writes statuses and Events; sources other than "
     "kubernetes have none."},
    {"evergate_controller_status_writes_total", counter, "result",
     "Ingress statuses written: written, conflict (somebody else changed the object; tried again) "
     "or failed."},
    {"evergate_controller_event_writes_total", counter, "result",
     "Kubernetes Events: created, repeated (an earlier one was counted up), failed or dropped "
     "(too many at a time)."},

    {"evergate_controller_ready", gauge, "", "1 while /readyz says yes."},
    {"evergate_controller_published_version", gauge, "lane",
     "Version published last, by lane (config, endpoints)."},
    {"evergate_controller_published_objects", gauge, "kind",
     "Values of the published configuration by kind."},
    {"evergate_controller_event_to_ack_seconds", histogram, "lane",
     "From an event of the source to a data plane's acknowledgement, for each data plane."},
    {"evergate_controller_event_to_applied_seconds", histogram, "lane",
     "From an event of the source to the acknowledgement of the last data plane connected: then "
     "the change is in effect everywhere."},
    {"evergate_controller_nacks_total", counter, "lane", "Transactions a data plane refused."},
    {"evergate_controller_refused_keys_total", counter, "lane", "Keys named in refusals."},
    {"evergate_controller_rejected_keys", gauge, "",
     "Keys that connected data planes refuse now; they keep the value they had."},
    {"evergate_controller_resumes_total", counter, "lane, kind",
     "How data planes that connected were brought up to date (same, diff, keys, snapshot)."},

    {"evergate_controller_dataplanes", gauge, "", "Data planes connected."},
    {"evergate_controller_dataplanes_converged", gauge, "",
     "Connected data planes that hold exactly what is published."},
    {"evergate_controller_dataplane_converged", gauge, "node",
     "1 while this data plane holds exactly what is published; at most 500 are listed."},
    {"evergate_controller_dataplane_version", gauge, "node, lane",
     "Version this data plane acknowledged last; at most 500 are listed."},
    {"evergate_controller_dataplane_connections_lost_total", counter, "",
     "Connections of data planes that ended."},
    {"evergate_controller_build_info", gauge, "version", "Always 1; the label says what runs."},
}};

constexpr std::string_view kBoth = R"(
## Both

)";

constexpr std::string_view kEnding = R"(
## Scraping

```yaml
scrape_configs:
  - job_name: evergate-dataplane
    scrape_interval: 15s
    static_configs:
      - targets: ["127.0.0.1:9302"]
  - job_name: evergate-controller
    scrape_interval: 15s
    static_configs:
      - targets: ["127.0.0.1:9301"]
rule_files:
  - evergate-rules.yaml
```

In a cluster the admin address must be one Prometheus can reach (`--admin-listen=0.0.0.0:9302`; it has no authentication: restrict
it with a NetworkPolicy); the chart's ServiceMonitor names these jobs. The rules are `deploy/prometheus/evergate-rules.yaml`, the
dashboard is `deploy/grafana/evergate.json`; both expect job names that begin with `evergate-dataplane` and `evergate-controller`.

A data plane with 5,000 backends of ten endpoints each answers within 0.2 s of processor time, most of it off the workers. What
grows with the configuration is about ten series per backend without traffic and three to six more with it, 32 more for
its histograms, seven per endpoint, and about twenty per route.

## Questions they answer

| question | expression |
|---|---|
| requests per second | `sum(rate(evergate_requests_total[5m]))` |
| share of 5xx answers | `sum(rate(evergate_requests_total{code=~"5.."}[5m])) / sum(rate(evergate_requests_total[5m]))` |
| which backend answers them | `topk(5, sum by (backend) (rate(evergate_backend_requests_total{code=~"5.."}[5m])))` |
| which of our own errors | `sum by (reason) (rate(evergate_errors_total[5m]))` |
| 99th percentile | `histogram_quantile(0.99, sum by (le) (rate(evergate_request_duration_seconds_bucket[5m])))` |
| is it the endpoint that is slow | the same of `evergate_backend_first_byte_seconds_bucket`, by backend |
| requests by host | `sum by (host) (rate(evergate_route_requests_total[5m]) * on (instance, route, backend) group_left (host) evergate_route_info)` |
| backends without a usable endpoint | `sum by (backend) (evergate_backend_endpoints{state="ready"}) == 0` |
| are upstream connections reused | `rate(evergate_upstream_reuses_total[5m]) / (rate(evergate_upstream_reuses_total[5m]) + rate(evergate_upstream_connects_total[5m]))` |
| do all data planes serve one version | `max(evergate_config_version) - min(evergate_config_version) > 0` |
| how soon is a change in effect | `histogram_quantile(0.99, sum by (le) (rate(evergate_controller_event_to_applied_seconds_bucket[1h])))` |
| cut off from the controller | `evergate_rpc_connected == 0` |
| descriptors running out | `process_open_fds / process_max_fds > 0.8` |
| do sockets leak | `evergate_close_wait_sockets{older_than="1m"} > 0` |
)";

}  // namespace

std::span<const MetricDescription> controllerMetricTable() noexcept {
    return kTable;
}

std::string controllerMetricsDocument() {
    std::string text = "## Controller\n\n" + process::metricsAsMarkdown(kTable);
    text += kBoth;
    text += process::metricsAsMarkdown(process::processMetricTable());
    return text.append(kEnding);
}

}  // namespace evergate::controller
