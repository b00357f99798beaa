// SPDX-License-Identifier: Apache-2.0
// What the controller can be told about Marathon: rows of the settings table, and the options of
// the source made from them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/process/settings.hpp"
#include "controller/marathon/marathon_source.hpp"

namespace evergate::controller {

struct MarathonSettings {
    std::vector<std::string> urls;
    std::vector<std::string> groups;
    std::string authFile;
    std::string authorityFile;
    std::chrono::milliseconds heartbeatTimeout = MarathonTuning{}.heartbeatTimeout;
    std::chrono::milliseconds requestTimeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(MarathonTuning{}.deadlines.head);
    std::chrono::milliseconds resync = MarathonTuning{}.resync;
    std::chrono::milliseconds patience = MarathonTuning{}.patience;
};

void addMarathonRows(process::SettingsTable& table, MarathonSettings& settings);

// Empty when they go together, else one line for the user. `used`: Marathon is the source.
std::string checkMarathon(const MarathonSettings& settings, bool used);

// Without what the program adds: translation, logger.
MarathonOptions marathonOptions(const MarathonSettings& settings);

}  // namespace evergate::controller
