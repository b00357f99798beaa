// SPDX-License-Identifier: Apache-2.0
// What the controller can be told about leading and about what it writes into the cluster: rows of
// the settings table, and what they mean together with the environment of a pod.
//
// Read once, before anything starts.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/process/settings.hpp"
#include "controller/writeback/writeback.hpp"

namespace evergate::controller {

struct WritebackSettings {
    std::vector<std::string> publishStatusAddress;
    std::string publishService;
    bool leaderElection = true;
    std::string leaderElectionNamespace;
    std::chrono::milliseconds leaderElectionDuration{15'000};
};

void addWritebackRows(process::SettingsTable& table, WritebackSettings& settings);

// Empty when the rows go together, else the line for the user. `kubernetes`: that is the source.
std::string checkWriteback(const WritebackSettings& settings, bool kubernetes);

// Everything but the cluster, the translation and the logger.
writeback::WritebackOptions writebackOptions(const WritebackSettings& settings,
                                             const std::string& clusterNamespace,
                                             const process::Environment& environment);

}  // namespace evergate::controller
