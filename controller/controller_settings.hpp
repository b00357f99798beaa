// SPDX-License-Identifier: Apache-2.0
// What the controller can be told on the command line or in the environment: one table.
//
// Parsed once, before anything starts; const from then on.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <variant>

#include "common/process/listen_address.hpp"
#include "common/process/logging.hpp"
#include "common/process/settings.hpp"
#include "common/rpc/address.hpp"
#include "controller/marathon_settings.hpp"
#include "controller/settings/https_settings.hpp"
#include "controller/traffic_settings.hpp"
#include "controller/writeback_settings.hpp"

namespace evergate::controller {

enum class SourceKind { none, kubernetes, marathon, directory };

struct ControllerSettings {
    SourceKind source = SourceKind::none;
    std::string kubeconfig;
    std::string watchNamespace;
    std::string ingressClass = "evergate";
    std::string directory;
    MarathonSettings marathon;
    bool loopbackEndpoints = false;
    process::ListenAddress httpListen{"0.0.0.0", 80};
    HttpsSettings https;
    TrafficSettings traffic;
    std::string rpcListen = "unix:/run/evergate/rpc.sock";
    rpc::Address rpcAddress;  // `rpcListen`, parsed
    rpc::TlsFiles rpcFiles;
    WritebackSettings writeback;
    process::ListenAddress adminListen{"127.0.0.1", 9301};
    spdlog::level::level_enum logLevel = spdlog::level::info;
    process::LogFormat logFormat = process::LogFormat::text;
    bool printMetricsDoc = false;
};

// The settings, or the exit code of a program that is to end at once.
std::variant<ControllerSettings, int> parseSettings(std::span<const char* const> arguments,
                                                    const process::Environment& environment,
                                                    std::ostream& out, std::ostream& err);

}  // namespace evergate::controller
