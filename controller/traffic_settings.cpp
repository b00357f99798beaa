// SPDX-License-Identifier: Apache-2.0
#include "controller/traffic_settings.hpp"

#include <algorithm>

#include "common/model/network.hpp"
#include "common/model/validation.hpp"

namespace evergate::controller {
namespace {

using model::Settings;
using process::SettingsTable;

std::string checkNetworks(const std::vector<std::string>& networks) {
    const bool good = networks.size() <= model::kMaxNetworks &&
                      std::all_of(networks.begin(), networks.end(), [](const std::string& each) {
                          return model::parseNetwork(each).has_value();
                      });
    return good ? "" : "must be IP addresses or networks such as 10.0.0.0/8, at most 1024";
}

// Rows of members of the model: what it would refuse is refused here.
class ModelRows {
public:
    ModelRows(SettingsTable& table, Settings& settings) : table_(table), settings_(settings) {}

    template <typename T>
    ModelRows& add(std::string_view name, std::string_view placeholder, std::string_view text,
                   T& target) {
        table_.add(name, placeholder, text, target).check(checked());
        return *this;
    }

    ModelRows& time(std::string_view name, std::string_view text,
                    std::chrono::milliseconds& target) {
        return add(name, "DURATION", text, target);
    }

private:
    process::SettingRow::Check checked() {
        // Rows are looked at one after the other, from defaults that are good: the first problem is
        // that of the row.
        return [&settings = settings_](std::string_view) -> std::string {
            const auto problems = model::validate({model::Kind::settings, "global"}, settings);
            return problems.empty() ? "" : problems.front().what;
        };
    }

    SettingsTable& table_;
    Settings& settings_;
};

void addClientAddress(SettingsTable& table, TrafficSettings& settings) {
    Settings& model = settings.model;
    table
        .add("trusted-proxies", "CIDR[,CIDR]",
             "Networks of proxies in front of us whose word on the client's address is believed",
             model.trustedProxies)
        .check([&model](std::string_view) { return checkNetworks(model.trustedProxies); });
    table.addChoice("client-address-header", "Where trusted proxies say who the client is",
                    model.clientAddressHeader,
                    {{"x-forwarded-for", model::ClientAddressHeader::xForwardedFor},
                     {"forwarded", model::ClientAddressHeader::forwarded}});
    table
        .add("proxy-protocol-from", "CIDR[,CIDR]",
             "Networks whose connections to --http-listen and --https-listen must begin with a "
             "PROXY protocol header, v1 or v2",
             settings.proxyProtocolFrom)
        .check([&settings](std::string_view) { return checkNetworks(settings.proxyProtocolFrom); });
}

void addClientLimits(SettingsTable& table, TrafficSettings& settings) {
    table.add("max-connections-per-client", "NUMBER",
              "Connections of one client address at once, per data plane; 0: no limit",
              settings.model.maxConnectionsPerClient);
    table.add("listener-max-connections", "NUMBER",
              "Connections of --http-listen, and of --https-listen, at once, per data plane; 0: no "
              "limit of their own",
              settings.listenerMaxConnections);
    ModelRows(table, settings.model)
        .add("min-body-rate", "BYTES",
             "Bytes a second a request body must come with after its first 5s; 0: any",
             settings.model.minimumBodyRate)
        .add("max-head-bytes", "BYTES", "Largest request or response head, at most 65536",
             settings.model.maxHeadBytes)
        .add("max-headers", "NUMBER", "Most fields of a request or response head",
             settings.model.maxHeaders)
        .add("max-interim-responses", "NUMBER",
             "Most 1xx responses of an endpoint before its final one; more is a 502",
             settings.model.maxInterimResponses);
}

void addHeaders(SettingsTable& table, Settings& model) {
    table.addChoice("header-underscores",
                    "What to do with request headers that have _ in their name, which some "
                    "backends take for -",
                    model.headerUnderscores,
                    {{"allow", model::HeaderUnderscores::allow},
                     {"remove", model::HeaderUnderscores::remove},
                     {"refuse", model::HeaderUnderscores::refuse}});
    ModelRows(table, model)
        .add("via", "NAME", "Our name in Via, added to requests and responses; empty: not added",
             model.via)
        .add("server-header", "TEXT",
             "Server of responses whose endpoint names none; empty: not added", model.serverName);
}

void addTls(SettingsTable& table, Settings& model) {
    table.addChoice("tls-policy",
                    "Versions and ciphers for clients, by the names of Mozilla's Server Side TLS",
                    model.tlsPolicy,
                    {{"intermediate", model::TlsPolicy::intermediate},
                     {"modern", model::TlsPolicy::modern},
                     {"old", model::TlsPolicy::old}});
}

void addHttp2(SettingsTable& table, Settings& model) {
    table
        .addChoice("http2", "Whether clients may speak HTTP/2; only: HTTP/2 and nothing else",
                   model.http2,
                   {{"true", model::ClientHttp2::on},
                    {"false", model::ClientHttp2::off},
                    {"only", model::ClientHttp2::only}})
        .bareMeansTrue();
    ModelRows(table, model)
        .add("http2-max-streams", "NUMBER",
             "Requests of a client at once on one HTTP/2 connection, at most 1000",
             model.http2MaxStreams);
}

void addTimeouts(SettingsTable& table, Settings& model) {
    ModelRows(table, model)
        .time("timeout-client-head", "For a whole request head, from its first byte",
              model.headTimeout)
        .time("timeout-client-keep-alive", "For the next request on an idle connection",
              model.keepAliveTimeout)
        .time("timeout-client-body", "For the next piece of a request body", model.bodyTimeout)
        .time("timeout-client-write", "For a client to take bytes", model.writeTimeout)
        .time("timeout-client-handshake", "For a whole TLS handshake with a client",
              model.handshakeTimeout)
        .time("timeout-tunnel", "For either side of an upgraded or TCP connection",
              model.tunnelTimeout)
        .time("timeout-half-close", "For the rest of one that a side has ended",
              model.halfCloseTimeout)
        .time("timeout-upstream-idle", "For a request on a pooled endpoint connection",
              model.upstreamIdleTimeout);
}

}  // namespace

void addTrafficRows(SettingsTable& table, TrafficSettings& settings) {
    addClientAddress(table, settings);
    addClientLimits(table, settings);
    addHeaders(table, settings.model);
    addTls(table, settings.model);
    addHttp2(table, settings.model);
    addTimeouts(table, settings.model);
}

void applyTraffic(const TrafficSettings& settings, TranslateOptions& options) {
    options.settings = settings.model;
    options.proxyProtocolFrom = settings.proxyProtocolFrom;
    options.listenerMaxConnections = settings.listenerMaxConnections;
}

}  // namespace evergate::controller
