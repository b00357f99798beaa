// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/task_rules.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/marathon/labels.hpp"
#include "controller/objects/printable.hpp"
#include "controller/translate/ip_address.hpp"

namespace evergate::controller::marathon {
namespace {

// The agents' addresses come from Mesos, not from who deploys apps: loopback is the operator's
// business. The others can be nobody's address.
std::string usable(std::string_view text) {
    const auto address = parseIpAddress(text);
    return address && !address->isUnspecifiedOrMulticast() ? address->toText() : std::string();
}

std::uint16_t hostPort(const Task& task, const ServicePort& port) {
    return port.hostIndex && *port.hostIndex < task.ports.size() ? task.ports[*port.hostIndex] : 0;
}

struct Place {
    std::string address;
    std::uint16_t port = 0;
};

Place onAgent(const Task& task, const ServicePort& port, const HostLookup& lookup) {
    auto address = usable(task.host);
    if (address.empty()) {
        address = usable(lookup(task.host));
    }
    // A task that lists no ports at all uses the fixed ones of its app.
    return {std::move(address), task.ports.empty() ? port.taskPort : hostPort(task, port)};
}

Place ofItsOwn(const Task& task, const ServicePort& port, const HostLookup& lookup) {
    const auto own = task.addresses.empty() ? std::string() : usable(task.addresses.front());
    if (own.empty() && hostPort(task, port) != 0) {
        return onAgent(task, port, lookup);
    }
    // Container port 0: the same as on the host.
    return {own, port.taskPort != 0 ? port.taskPort : hostPort(task, port)};
}

}  // namespace

bool isServingState(std::string_view state) noexcept {
    return state.empty() || state == "TASK_RUNNING" || state == "TASK_UNREACHABLE" ||
           state == "TASK_LOST";
}

bool isEndingState(std::string_view state) noexcept {
    constexpr std::array<std::string_view, 8> kEnding = {
        "TASK_KILLING", "TASK_KILLED",  "TASK_FAILED", "TASK_FINISHED",
        "TASK_ERROR",   "TASK_DROPPED", "TASK_GONE",   "TASK_GONE_BY_OPERATOR"};
    return std::find(kEnding.begin(), kEnding.end(), state) != kEnding.end();
}

bool isPreparingState(std::string_view state) noexcept {
    return state == "TASK_STAGING" || state == "TASK_STARTING";
}

model::Endpoints endpointsOf(const App& app, const ServicePort& port, const HostLookup& lookup,
                             ProblemList* problems) {
    model::Endpoints result;
    auto& all = result.endpoints;
    for (const Task& task : app.tasks) {
        if (!isServingState(task.state)) {
            continue;
        }
        auto place = app.shape.mode == NetworkMode::container ? ofItsOwn(task, port, lookup)
                                                              : onAgent(task, port, lookup);
        if (!place.address.empty() && place.port != 0) {
            all.push_back({std::move(place.address), place.port, 1});
        } else if (problems != nullptr) {
            problems->add(toText(app), "task " + printable(task.id, 200),
                          place.port == 0 ? "has no port for this service port; left out"
                                          : "has no usable address; left out");
        }
    }
    std::sort(all.begin(), all.end());
    const auto samePlace = [](const auto& a, const auto& b) {
        return a.address == b.address && a.port == b.port;
    };
    all.erase(std::unique(all.begin(), all.end(), samePlace), all.end());
    return result;
}

}  // namespace evergate::controller::marathon
