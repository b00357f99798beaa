// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dataplane_settings.hpp"

#include <utility>

#include "common/process/version.hpp"

namespace evergate::dataplane {
namespace {

constexpr unsigned kMaxWorkers = 1'024;
constexpr std::uint64_t kLeastBufferMemory = 4 * 1024 * 1024;
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

std::string parseSources(DataplaneSettings& settings) {
    settings.sources.clear();
    for (const std::string& text : settings.sourceAddresses) {
        const auto address = net::SocketAddress::parse(text, 0);
        if (!address || address->wildcard())
            return "must be IP addresses of this machine, separated by commas";
        settings.sources.push_back(*address);
    }
    settings.limits.sourceAddresses = settings.sourceAddresses;
    return {};
}

void addLimits(process::SettingsTable& table, DataplaneSettings& settings) {
    table.add("max-connections", "N",
              "Client connections at once, of all listeners; more are refused. 0: as many as there "
              "are descriptors for",
              settings.limits.maxConnections);
    table
        .add("max-buffer-memory", "BYTES",
             "Memory of all buffers, such as 256Mi; at 3/4 of it less is read, then new requests "
             "are refused. 0: half of what the cgroup grants, else a quarter of the machine's",
             settings.maxBufferMemory)
        .check([&settings](std::string_view text) {
            std::uint64_t& bytes = settings.limits.bufferBytes;
            return parseByteSize(text, bytes) && (bytes == 0 || bytes >= kLeastBufferMemory)
                       ? ""
                       : "must be 0 or at least 4Mi: a number, with Ki, Mi or Gi behind it or none";
        });
    table
        .add("source-address", "IP[,IP]",
             "Addresses of this machine that connections to endpoints are made from, in turn: each "
             "has local ports of its own. Empty: the kernel chooses",
             settings.sourceAddresses)
        .check([&settings](std::string_view) { return parseSources(settings); });
    table.add("overload-lag", "DURATION",
              "A worker whose loop stays further behind than this turns part of what is new away "
              "(503); 0s: never",
              settings.limits.overloadLag);
}

void addTls(process::SettingsTable& table, DataplaneSettings& settings) {
    table.addChoice("ocsp",
                    "Which OCSP responders that certificates name are asked, for stapling: public "
                    "(http, port 80 of public addresses), any (http, whatever the port and "
                    "address: for authorities of one's own), or none (off)",
                    settings.ocsp,
                    {{"off", ocsp::Scope::off},
                     {"public", ocsp::Scope::publicOnly},
                     {"any", ocsp::Scope::any}});
    table.add("tls-handshake-rate", "N",
              "Full TLS handshakes with clients a second, those that resume a session not counted; "
              "more are cut off before they cost much. 0: no limit",
              settings.handshakeRate);
    table.add("tls-handshake-rate-per-client", "N", "The same for each client address",
              settings.handshakeRatePerClient);
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
    addLimits(table, settings);
    addTls(table, settings);
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
