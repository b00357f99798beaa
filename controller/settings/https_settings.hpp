// SPDX-License-Identifier: Apache-2.0
// What the controller can be told about https: rows of the settings table. evergatectl's `validate`
// takes the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/process/listen_address.hpp"
#include "common/process/settings.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

struct HttpsSettings {
    std::string listenText = "0.0.0.0:443";
    std::optional<process::ListenAddress> listen{{"0.0.0.0", 443}};  // `listenText`, parsed
    // Not "...-port": a Service may have put that name into our environment.
    std::uint16_t redirectTo = 443;
    std::string defaultText;
    std::optional<ObjectName> defaultCertificate;  // `defaultText`, parsed
    std::string clientCaText;
    std::string ticketSecretFile;  // empty: a secret of this process
    ClientDefaults clients;        // with `clientCaText`, parsed
};

void addHttpsRows(process::SettingsTable& table, HttpsSettings& settings);

// What is wrong with them together, in one line; empty: nothing.
std::string checkHttps(const HttpsSettings& settings, const process::ListenAddress& http,
                       const std::string& watchNamespace);

std::optional<HttpsOptions> httpsOptions(const HttpsSettings& settings);

}  // namespace evergate::controller
