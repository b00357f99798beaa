// SPDX-License-Identifier: Apache-2.0
// What the controller can be told about clients and connections as a whole: rows of the settings
// table, and what they put into the options of translation. Bounds are those of the model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/process/settings.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

struct TrafficSettings {
    model::Settings model;
    std::vector<std::string> proxyProtocolFrom;
    std::uint32_t listenerMaxConnections = 0;
};

void addTrafficRows(process::SettingsTable& table, TrafficSettings& settings);

void applyTraffic(const TrafficSettings& settings, TranslateOptions& options);

}  // namespace evergate::controller
