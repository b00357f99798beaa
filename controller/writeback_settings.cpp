// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback_settings.hpp"

#include <unistd.h>

#include <array>
#include <random>

#include "common/process/random_hex.hpp"

namespace evergate::controller {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using writeback::parsePublishedAddress;

constexpr milliseconds kShortestLease{1'000};
constexpr milliseconds kLongestLease{3'600'000};

std::string checkDuration(milliseconds duration) {
    const bool whole = duration % seconds(1) == milliseconds(0);
    return whole && duration >= kShortestLease && duration <= kLongestLease
               ? ""
               : "must be whole seconds, 1s..1h";
}

std::string checkAddresses(const std::vector<std::string>& addresses) {
    for (const auto& text : addresses) {
        if (!parsePublishedAddress(text)) {
            return "must be IP addresses or host names";
        }
    }
    return "";
}

std::string variable(const process::Environment& environment, const char* name) {
    const char* value = environment(name);
    return value == nullptr ? std::string() : std::string(value);
}

// Whoever reads the Lease finds the pod by it; the random part tells one start from the next.
std::string newIdentity(const process::Environment& environment) {
    std::string name = variable(environment, "POD_NAME");
    if (name.empty()) {
        std::array<char, 256> host{};
        name = ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "evergate";
    }
    return name + '_' + process::randomHex(2);
}

}  // namespace

void addWritebackRows(process::SettingsTable& table, WritebackSettings& settings) {
    table
        .add("publish-status-address", "ADDRESS[,ADDRESS]",
             "IP addresses or host names written into the status of our Ingresses",
             settings.publishStatusAddress)
        .check([&settings](std::string_view) {
            return checkAddresses(settings.publishStatusAddress);
        });
    table
        .add("publish-service", "NAMESPACE/NAME",
             "Service whose addresses are written into the status of our Ingresses; with neither "
             "of the two no status is written",
             settings.publishService)
        .check([](std::string_view text) {
            return text.empty() || writeback::parseObjectName(text) ? "" : "must be NAMESPACE/NAME";
        });
    table.add("leader-election", "",
              "Write statuses and Events only while holding the Lease evergate-leader; false: "
              "always, for a single controller",
              settings.leaderElection);
    table.add("leader-election-namespace", "NAME",
              "Where the Lease is; empty: POD_NAMESPACE, else the namespace of the service account "
              "or of the kubeconfig, else default",
              settings.leaderElectionNamespace);
    table
        .add("leader-election-duration", "TIME",
             "How long a controller that vanished is waited for before another one leads",
             settings.leaderElectionDuration)
        .check([&settings](std::string_view) {
            return checkDuration(settings.leaderElectionDuration);
        });
}

std::string checkWriteback(const WritebackSettings& settings, bool kubernetes) {
    const bool addresses = !settings.publishStatusAddress.empty();
    if (addresses && !settings.publishService.empty()) {
        return "--publish-status-address and --publish-service exclude each other";
    }
    if ((addresses || !settings.publishService.empty()) && !kubernetes) {
        return "--publish-status-address and --publish-service are for --source=kubernetes";
    }
    return "";
}

writeback::WritebackOptions writebackOptions(const WritebackSettings& settings,
                                             const std::string& clusterNamespace,
                                             const process::Environment& environment) {
    writeback::WritebackOptions options;
    options.election = settings.leaderElection;
    const std::array<std::string, 4> namespaces{settings.leaderElectionNamespace,
                                                variable(environment, "POD_NAMESPACE"),
                                                clusterNamespace, "default"};
    for (const auto& candidate : namespaces) {
        if (options.lease.nameSpace.empty()) {
            options.lease.nameSpace = candidate;
        }
    }
    options.lease.identity = newIdentity(environment);
    options.lease.seed = std::random_device{}();
    options.lease.timing = writeback::LeaseTiming::of(
        std::chrono::duration_cast<seconds>(settings.leaderElectionDuration));
    for (const auto& text : settings.publishStatusAddress) {
        if (auto address = parsePublishedAddress(text)) {
            options.addresses.push_back(std::move(*address));
        }
    }
    options.publishService = writeback::parseObjectName(settings.publishService);
    return options;
}

}  // namespace evergate::controller
