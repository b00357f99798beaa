// SPDX-License-Identifier: Apache-2.0
#include "controller/controller_settings.hpp"

#include <utility>

#include "common/process/version.hpp"

namespace evergate::controller {

namespace {

void addSource(process::SettingsTable& table, ControllerSettings& settings) {
    table
        .addChoice("source", "Where the desired configuration comes from", settings.source,
                   {{"kubernetes", SourceKind::kubernetes},
                    {"marathon", SourceKind::marathon},
                    {"directory", SourceKind::directory}})
        .required();
    table.add("kubeconfig", "FILE",
              "How to reach the API server; empty: the service account of the pod we run in",
              settings.kubeconfig);
    table.add("watch-namespace", "NAME", "Watch one namespace only; empty: all",
              settings.watchNamespace);
    table.add("directory", "DIR", "Folder of Kubernetes manifests, watched; for --source=directory",
              settings.directory);
    addMarathonRows(table, settings.marathon);
    table.add("ingress-class", "NAME",
              "The IngressClass served; empty: every class whose controller we are",
              settings.ingressClass);
    table.add(
        "loopback-endpoints", "",
        "Take 127.0.0.0/8, ::1 and link-local addresses as endpoints; --source=directory always "
        "does, a cluster never needs it",
        settings.loopbackEndpoints);
    table
        .add("http-listen", "ADDRESS:PORT", "Where data planes take HTTP requests",
             settings.httpListen)
        .check([&settings](std::string_view) {
            return settings.httpListen.port == 0 ? "must have a port other than 0" : "";
        });
    addHttpsRows(table, settings.https);
    addTrafficRows(table, settings.traffic);
}

void addOperation(process::SettingsTable& table, ControllerSettings& settings) {
    table
        .add("rpc-listen", "unix:PATH|tcp://HOST:PORT",
             "Where data planes connect; tcp takes mutual TLS 1.3 only", settings.rpcListen)
        .check([&settings](std::string_view text) -> std::string {
            auto address = rpc::parseAddress(text);
            if (const auto* error = std::get_if<rpc::AddressError>(&address)) {
                return "must be unix:PATH or tcp://HOST:PORT: " + error->what;
            }
            settings.rpcAddress = std::move(std::get<rpc::Address>(address));
            return "";
        });
    table.add("rpc-cert", "FILE", "Certificate shown to data planes, PEM; tcp only",
              settings.rpcFiles.certificate);
    table.add("rpc-key", "FILE", "Its key, PEM", settings.rpcFiles.key);
    table.add("rpc-ca", "FILE", "The authority data planes' certificates must come from, PEM",
              settings.rpcFiles.authority);
    table.add("admin-listen", "ADDRESS:PORT",
              "Health, metrics and JSON API; there is no authentication", settings.adminListen);
    table.addChoice("log-level", "Least severity written", settings.logLevel,
                    process::logLevelChoices());
    table.addChoice("log-format", "Form of the log on standard error", settings.logFormat,
                    process::logFormatChoices());
    table.add("print-metrics-doc", "",
              "Write our part of docs/metrics.md to standard output and end",
              settings.printMetricsDoc);
}

std::string checkTogether(ControllerSettings& settings) {
    if (settings.source == SourceKind::directory && settings.directory.empty()) {
        return "--source=directory needs --directory";
    }
    if (settings.source != SourceKind::directory && !settings.directory.empty()) {
        return "--directory is for --source=directory";
    }
    if (auto wrong = checkMarathon(settings.marathon, settings.source == SourceKind::marathon);
        !wrong.empty()) {
        return wrong;
    }
    if (auto wrong = checkWriteback(settings.writeback, settings.source == SourceKind::kubernetes);
        !wrong.empty()) {
        return wrong;
    }
    if (auto wrong = checkHttps(settings.https, settings.httpListen, settings.watchNamespace);
        !wrong.empty()) {
        return wrong;
    }
    if (settings.source == SourceKind::marathon &&
        settings.https.clients.mode != model::ClientCertificates::off) {
        return "--https-client-certificates needs Secrets: not for --source=marathon";
    }
    auto address = rpc::parseAddress(settings.rpcListen);  // the default has not been checked
    settings.rpcAddress = std::get<rpc::Address>(address);
    const std::string insecure = rpc::checkSecurity(settings.rpcAddress, settings.rpcFiles);
    return insecure.empty() ? "" : "--rpc-listen=" + settings.rpcListen + ": " + insecure;
}

}  // namespace

std::variant<ControllerSettings, int> parseSettings(std::span<const char* const> arguments,
                                                    const process::Environment& environment,
                                                    std::ostream& out, std::ostream& err) {
    ControllerSettings settings;
    process::SettingsTable table("evergate-controller", EVERGATE_VERSION,
                                 "keeps data planes at the configuration a source asks for");
    addSource(table, settings);
    addWritebackRows(table, settings.writeback);
    addOperation(table, settings);
    if (const auto code = table.parse(arguments, environment, out, err)) {
        return *code;
    }
    const std::string wrong = checkTogether(settings);
    if (!wrong.empty()) {
        return table.reportError(err, wrong);
    }
    return settings;
}

}  // namespace evergate::controller
