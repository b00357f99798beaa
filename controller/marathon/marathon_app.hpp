// SPDX-License-Identifier: Apache-2.0
// The few fields we read of a Marathon app and its tasks: plain values, the same for every shape of
// JSON from Marathon 1.4 to 1.11 and before.
//
// All text in here was written by whoever may deploy an app: it is data, and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/source.hpp"

namespace evergate::controller::marathon {

enum class NetworkMode : std::uint8_t {
    host,       // agent address, ports assigned to the task
    bridge,     // the same, mapped to ports of the container
    container,  // the task has an address of its own: "ip per task"
};

// One entry of the app's service ports: what HAPROXY_{n}_... counts.
struct ServicePort {
    std::uint16_t port = 0;      // 0: none was assigned
    std::uint16_t taskPort = 0;  // container or fixed host port, where a task says nothing; 0: none
    std::optional<std::size_t> hostIndex;  // which of a task's ports is meant
    bool tcp = true;

    friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

struct Check {
    std::string protocol;  // as written: "HTTP", "MESOS_TCP" ...
    std::optional<std::size_t> portIndex;
    bool anyPort = false;  // has a port of its own, and so goes with every service port
    // Time after the start of a task in which it would have been killed had it never been healthy;
    // nothing when checks never kill.
    std::optional<std::int64_t> killAfter;

    friend bool operator==(const Check&, const Check&) = default;
};

// What decides which listeners, routes and backends an app has. Equal shapes: only endpoints
// differ.
struct AppShape {
    std::map<std::string, std::string> labels;  // those that begin with HAPROXY_
    NetworkMode mode = NetworkMode::host;
    std::vector<ServicePort> ports;
    std::vector<Check> checks;

    friend bool operator==(const AppShape&, const AppShape&) = default;
};

struct Task {
    std::string id;
    std::string host;  // a name or an address
    std::vector<std::uint16_t> ports;
    std::vector<std::string> addresses;  // of its own
    std::string state;                   // "TASK_RUNNING"; empty: an old Marathon did not say
    std::optional<bool> alive;           // by Marathon's checks; nothing: no result yet
    std::int64_t startedAt = 0;          // seconds since 1970; 0: unknown

    friend bool operator==(const Task&, const Task&) = default;
};

struct App {
    std::string id;  // "/shop/web"
    AppShape shape;
    std::vector<Task> tasks;
    bool tasksKnown =
        true;  // false: the answer had no list of tasks, which says nothing about them

    friend bool operator==(const App&, const App&) = default;
};

}  // namespace evergate::controller::marathon
