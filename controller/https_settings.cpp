// SPDX-License-Identifier: Apache-2.0
#include "controller/https_settings.hpp"

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

bool isAnyAddress(const std::string& address) {
    return address == "0.0.0.0" || address == "::";
}

}  // namespace

void addHttpsRows(process::SettingsTable& table, HttpsSettings& settings) {
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
    return "";
}

std::optional<HttpsOptions> httpsOptions(const HttpsSettings& settings) {
    if (!settings.listen) {
        return std::nullopt;
    }
    return HttpsOptions{settings.listen->address, settings.listen->port, settings.redirectTo,
                        settings.defaultCertificate};
}

}  // namespace evergate::controller
