// SPDX-License-Identifier: Apache-2.0
// What the data plane can be told on the command line or in the environment: one table.
//
// Parsed once, before anything starts; const from then on.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/process/listen_address.hpp"
#include "common/process/logging.hpp"
#include "common/process/settings.hpp"
#include "common/rpc/address.hpp"
#include "dataplane/control/serving_limits.hpp"
#include "dataplane/http/access_log.hpp"
#include "dataplane/net/address.hpp"
#include "dataplane/ocsp/responder.hpp"

namespace evergate::dataplane {

struct DataplaneSettings {
    std::string controller = "unix:/run/evergate/rpc.sock";
    rpc::Address controllerAddress;  // `controller`, parsed
    rpc::TlsFiles rpcFiles;
    process::ListenAddress adminListen{"127.0.0.1", 9302};
    std::string stateDir;
    unsigned workers = 0;  // 0: the CPUs granted
    std::chrono::milliseconds drainTimeout{30'000};
    std::string maxBufferMemory = "0";         // as given
    std::vector<std::string> sourceAddresses;  // as given
    AskedLimits limits{.overloadLag = std::chrono::milliseconds(500)};
    std::vector<net::SocketAddress> sources;  // `sourceAddresses`, parsed
    ocsp::Scope ocsp = ocsp::Scope::publicOnly;
    std::uint32_t handshakeRate = 0;  // a second; 0: no limit
    std::uint32_t handshakeRatePerClient = 0;
    http::AccessLogFormat accessLog = http::AccessLogFormat::off;
    std::string accessLogFile = "-";
    std::uint32_t endpointMetricsLimit = 2'000;
    std::uint32_t routeMetricsLimit = 1'000;
    std::uint32_t histogramMetricsLimit = 1'000;
    std::string nodeId;
    spdlog::level::level_enum logLevel = spdlog::level::info;
    process::LogFormat logFormat = process::LogFormat::text;
    bool printMetricsDoc = false;
};

// The settings, or the exit code of a program that is to end at once.
std::variant<DataplaneSettings, int> parseSettings(std::span<const char* const> arguments,
                                                   const process::Environment& environment,
                                                   const std::string& hostname, std::ostream& out,
                                                   std::ostream& err);

}  // namespace evergate::dataplane
