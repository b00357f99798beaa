// SPDX-License-Identifier: Apache-2.0
#include "controller/settings/https_settings.hpp"

#include <string_view>

namespace evergate::controller {
namespace {

std::optional<ObjectName> parseSecretName(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    ObjectName name{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
    return isObjectName(name.ns) && isObjectName(name.name) ? std::optional(std::move(name))
                                                            : std::nullopt;
}

constexpr std::uint32_t kMaxDepth = 10;

bool isAnyAddress(const std::string& address) {
    return address == "0.0.0.0" || address == "::";
}

void addClientRows(process::SettingsTable& table, HttpsSettings& settings) {
    using model::ClientCertificates;
    table.addChoice("https-client-certificates",
                    "Whether clients of hosts whose Ingress says nothing about it are asked for a "
                    "certificate",
                    settings.clients.mode,
                    {{"off", ClientCertificates::off},
                     {"optional", ClientCertificates::optional},
                     {"required", ClientCertificates::required}});
    table
        .add("https-client-ca", "NAMESPACE/NAME",
             "Secret with the authorities these must come from (ca.crt, ca.crl)",
             settings.clientCaText)
        .check([&settings](std::string_view text) -> std::string {
            settings.clients.authorities = parseSecretName(text);
            return text.empty() || settings.clients.authorities
                       ? ""
                       : "must be the namespace and the name of a Secret, with a / between";
        });
    table
        .add("https-client-verify-depth", "NUMBER",
             "Intermediate authorities there may be between these and theirs, at most 10",
             settings.clients.depth)
        .check([&settings](std::string_view) {
            return settings.clients.depth > kMaxDepth ? "must be at most 10" : "";
        });
}

// Clients that ask for no host, or for one nobody has a certificate for, are asked by way of the
// default certificate: without one they would slip through.
std::string checkClients(const HttpsSettings& settings, const std::string& watchNamespace) {
    const ClientDefaults& clients = settings.clients;
    if (clients.mode == model::ClientCertificates::off) {
        return clients.authorities
                   ? "--https-client-ca needs --https-client-certificates=optional or required"
                   : "";
    }
    if (!settings.listen || !clients.authorities || !settings.defaultCertificate) {
        return "--https-client-certificates needs --https-listen, --https-client-ca and "
               "--default-certificate";
    }
    if (!watchNamespace.empty() && clients.authorities->ns != watchNamespace) {
        return "--https-client-ca=" + settings.clientCaText +
               " is not in the namespace that is watched";
    }
    return "";
}

}  // namespace

void addHttpsRows(process::SettingsTable& table, HttpsSettings& settings) {
    addClientRows(table, settings);
    table.add(
        "session-ticket-secret", "FILE",
        "32 random bytes or more that keys of TLS session tickets come from: controllers that "
        "share them let each other's clients resume; none: of this process alone",
        settings.ticketSecretFile);
    table
        .add("https-listen", "ADDRESS:PORT|off",
             "Where data planes take HTTPS requests; off: nowhere, and Secrets are not read",
             settings.listenText)
        .check([&settings](std::string_view text) -> std::string {
            settings.listen.reset();
            if (text.empty() || text == "off") {
                return "";
            }
            settings.listen = process::parseListenAddress(text);
            return settings.listen && settings.listen->port != 0
                       ? ""
                       : "must be off, or an IP address and port such as 0.0.0.0:443 or [::]:443";
        });
    table
        .add("https-redirect-to", "PORT",
             "Port that clients of http are redirected to: that of --https-listen as they see it",
             settings.redirectTo)
        .check([&settings](std::string_view) {
            return settings.redirectTo == 0 ? "must be 1..65535" : "";
        });
    table
        .add(
            "default-certificate", "NAMESPACE/NAME",
            "Secret shown to clients that ask for no host or for one without a certificate; empty: "
            "a self-signed one",
            settings.defaultText)
        .check([&settings](std::string_view text) -> std::string {
            settings.defaultCertificate = parseSecretName(text);
            return text.empty() || settings.defaultCertificate
                       ? ""
                       : "must be the namespace and the name of a Secret, with a / between";
        });
}

std::string checkHttps(const HttpsSettings& settings, const process::ListenAddress& http,
                       const std::string& watchNamespace) {
    const auto& https = settings.listen;
    if (https && https->port == http.port &&
        (https->address == http.address || isAnyAddress(https->address) ||
         isAnyAddress(http.address))) {
        return "--http-listen and --https-listen are the same port";
    }
    const auto& secret = settings.defaultCertificate;
    if (secret && !https) {
        return "--default-certificate needs --https-listen";
    }
    if (secret && !watchNamespace.empty() && secret->ns != watchNamespace) {
        return "--default-certificate=" + settings.defaultText +
               " is not in the namespace that is watched";
    }
    return checkClients(settings, watchNamespace);
}

std::optional<HttpsOptions> httpsOptions(const HttpsSettings& settings) {
    if (!settings.listen) {
        return std::nullopt;
    }
    return HttpsOptions{settings.listen->address, settings.listen->port, settings.redirectTo,
                        settings.defaultCertificate, settings.clients};
}

}  // namespace evergate::controller
