// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dataplane_settings.hpp"

#include <utility>

#include "common/process/version.hpp"

namespace evergate::dataplane {
namespace {

constexpr unsigned kMaxWorkers = 1'024;
constexpr std::size_t kMaxNodeId = 253;  // a host name's limit

std::string checkNodeId(std::string_view text) {
    const bool printable = text.find_first_of(" \t\r\n\"\\") == std::string_view::npos;
    return text.empty() || text.size() > kMaxNodeId || !printable
               ? "must be 1 to 253 characters without blanks, quotes or backslashes"
               : "";
}

void addConnection(process::SettingsTable& table, DataplaneSettings& settings) {
    table.add("controller", "unix:PATH|tcp://HOST:PORT", "Where the controller listens",
              settings.controller);
    table.add("rpc-cert", "FILE", "Certificate shown to the controller, PEM; tcp only",
              settings.rpcFiles.certificate);
    table.add("rpc-key", "FILE", "Its key, PEM", settings.rpcFiles.key);
    table.add("rpc-ca", "FILE", "The authority the controller's certificate must come from, PEM",
              settings.rpcFiles.authority);
    table
        .add("node-id", "NAME",
             "Name of this data plane in the controller's eyes; survives a restart",
             settings.nodeId)
        .check(checkNodeId);
    table.add("state-dir", "DIR",
              "Where the last configuration that worked is kept, to start from when no controller "
              "answers; empty: nothing is kept",
              settings.stateDir);
}

void addServing(process::SettingsTable& table, DataplaneSettings& settings) {
    table
        .add("workers", "N",
             "Worker threads; 0: as many as there are whole CPUs granted (affinity and cgroup)",
             settings.workers)
        .check([&settings](std::string_view) {
            return settings.workers > kMaxWorkers ? "must be at most 1024" : "";
        });
    table.add(
        "drain-timeout", "DURATION",
        "After SIGTERM or SIGINT: how long requests may take to finish before they are cut; a "
        "second signal cuts them at once",
        settings.drainTimeout);
    table.addChoice("access-log", "One line per request", settings.accessLog,
                    {{"off", http::AccessLogFormat::off},
                     {"text", http::AccessLogFormat::text},
                     {"json", http::AccessLogFormat::json}});
    table.add("access-log-file", "FILE", "Where the access log goes; - is standard output",
              settings.accessLogFile);
}

void addObservation(process::SettingsTable& table, DataplaneSettings& settings) {
    table.add("admin-listen", "ADDRESS:PORT",
              "Status page, health, metrics and JSON API; there is no authentication",
              settings.adminListen);
    table.add(
        "endpoint-metrics-limit", "N",
        "With more endpoints than this the evergate_endpoint_* series are left out of /metrics",
        settings.endpointMetricsLimit);
    table.add("route-metrics-limit", "N",
              "With more routes than this the evergate_route_* series are left out of /metrics",
              settings.routeMetricsLimit);
    table.add("histogram-metrics-limit", "N",
              "With more backends than this their histograms are left out of /metrics",
              settings.histogramMetricsLimit);
    table.addChoice("log-level", "Least severity written", settings.logLevel,
                    process::logLevelChoices());
    table.addChoice("log-format", "Form of the program's log on standard error", settings.logFormat,
                    process::logFormatChoices());
    table.add("print-metrics-doc", "", "Write docs/metrics.md to standard output and end",
              settings.printMetricsDoc);
}

}  // namespace

std::variant<DataplaneSettings, int> parseSettings(std::span<const char* const> arguments,
                                                   const process::Environment& environment,
                                                   const std::string& hostname, std::ostream& out,
                                                   std::ostream& err) {
    DataplaneSettings settings;
    settings.nodeId = hostname;
    process::SettingsTable table("evergate-dataplane", EVERGATE_VERSION,
                                 "carries the traffic of an Evergate ingress");
    addConnection(table, settings);
    addServing(table, settings);
    addObservation(table, settings);
    if (const auto code = table.parse(arguments, environment, out, err))
        return *code;

    auto address = rpc::parseAddress(settings.controller);
    if (const auto* error = std::get_if<rpc::AddressError>(&address))
        return table.reportError(err, "--controller: " + error->what);
    settings.controllerAddress = std::get<rpc::Address>(std::move(address));
    const std::string problem = rpc::checkSecurity(settings.controllerAddress, settings.rpcFiles);
    if (!problem.empty())
        return table.reportError(err, problem);
    return settings;
}

}  // namespace evergate::dataplane
