// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/app_parser.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/model/json_depth.hpp"
#include "controller/objects/field.hpp"
#include "controller/objects/printable.hpp"
#include "controller/objects/timestamp.hpp"

namespace evergate::controller::marathon {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxIdBytes = 500;
constexpr std::size_t kMaxPorts = 256;
constexpr std::string_view kLabelPrefix = "HAPROXY_";

// Marathon assigns 0..65535; anything else is no port of this app.
std::uint16_t portOf(const Field& field) {
    const auto number = field.int64();
    if (number < 0 || number > std::numeric_limits<std::uint16_t>::max()) {
        field.fail("must be 0..65535");
        return 0;
    }
    return static_cast<std::uint16_t>(number);
}

bool speaksTcp(const Field& entry) {
    const auto protocol = entry["protocol"].text();  // "tcp", "udp", "udp,tcp"; absent: tcp
    return protocol.empty() || protocol.find("tcp") != std::string::npos;
}

std::vector<std::uint16_t> portList(const Field& list) {
    std::vector<std::uint16_t> ports;
    list.eachElement([&](const Field& element) { ports.push_back(portOf(element)); });
    return ports;
}

// Later shapes win over earlier ones, as in marathon-lb.
NetworkMode modeOf(const Field& app) {
    auto mode = app["ipAddress"].present() ? NetworkMode::container : NetworkMode::host;
    const auto docker = app["container"]["docker"]["network"].text();
    if (docker == "USER") {
        mode = NetworkMode::container;
    } else if (docker == "BRIDGE") {
        mode = NetworkMode::bridge;
    }
    app["networks"].eachElement([&](const Field& network) {
        const auto name = network["mode"].text();
        mode = name == "host"               ? NetworkMode::host
               : name == "container/bridge" ? NetworkMode::bridge
                                            : NetworkMode::container;
    });
    return mode;
}

struct Mapping {
    std::optional<std::uint16_t> servicePort;
    std::uint16_t containerPort = 0;
    bool hasHostPort = false;
    bool tcp = true;
};

std::vector<Mapping> mappingsOf(const Field& app) {
    std::vector<Mapping> mappings;
    const auto read = [&](const Field& entry) {
        Mapping mapping;
        if (entry["servicePort"].present()) {
            mapping.servicePort = portOf(entry["servicePort"]);
        }
        mapping.containerPort = portOf(entry["containerPort"]);
        mapping.hasHostPort = entry["hostPort"].present();
        mapping.tcp = speaksTcp(entry);
        mappings.push_back(mapping);
    };
    const Field container = app["container"];
    container["docker"]["portMappings"].eachElement(read);
    if (mappings.empty()) {
        container["portMappings"].eachElement(read);
    }
    return mappings;
}

// portDefinitions when there is such a key, else the old list of numbers.
std::vector<ServicePort> definedPorts(const Field& app) {
    std::vector<ServicePort> ports;
    if (app["portDefinitions"].present()) {
        app["portDefinitions"].eachElement([&](const Field& entry) {
            const auto port = portOf(entry["port"]);
            ports.push_back({port, port, ports.size(), speaksTcp(entry)});
        });
    } else {
        for (const auto port : portList(app["ports"])) {
            ports.push_back({port, port, ports.size(), true});
        }
    }
    return ports;
}

// Entries without a service port do not count, which shifts the index of later ones; but each stays
// with the port of the task that is its own.
std::vector<ServicePort> mappedPorts(const std::vector<Mapping>& mappings, bool bridge,
                                     const std::vector<ServicePort>& defined) {
    std::vector<ServicePort> ports;
    const bool anyAssigned = std::any_of(mappings.begin(), mappings.end(),
                                         [](const auto& each) { return each.servicePort; });
    std::size_t hostPorts = 0;
    for (std::size_t i = 0; i < mappings.size(); ++i) {
        const Mapping& mapping = mappings[i];
        // In a bridge every mapping has a port on the host; elsewhere those that ask for one.
        const bool onHost = bridge || mapping.hasHostPort;
        ServicePort port;
        port.taskPort = mapping.containerPort;
        port.tcp = mapping.tcp;
        if (onHost) {
            port.hostIndex = hostPorts++;
        }
        if (mapping.servicePort) {
            port.port = *mapping.servicePort;
        } else if (anyAssigned) {
            continue;
        } else if (i < defined.size()) {
            port.port = defined[i].port;
        }
        if (bridge && i < defined.size() && defined[i].port != 0) {
            port.taskPort = defined[i].port;
        }
        ports.push_back(port);
    }
    return ports;
}

std::vector<ServicePort> discoveredPorts(const Field& app,
                                         const std::vector<ServicePort>& assigned) {
    std::vector<ServicePort> ports;
    app["ipAddress"]["discovery"]["ports"].eachElement([&](const Field& entry) {
        const auto index = ports.size();
        const auto port = index < assigned.size() ? assigned[index].port : std::uint16_t{0};
        ports.push_back({port, portOf(entry["number"]), std::nullopt, speaksTcp(entry)});
    });
    return ports;
}

std::vector<ServicePort> servicePortsOf(const Field& app, NetworkMode mode) {
    const auto defined = definedPorts(app);
    if (mode == NetworkMode::host) {
        return defined;
    }
    const auto mapped = mappedPorts(mappingsOf(app), mode == NetworkMode::bridge, defined);
    if (mode == NetworkMode::container) {
        auto discovered = discoveredPorts(app, mapped.empty() ? defined : mapped);
        if (!discovered.empty()) {
            return discovered;
        }
    }
    return mapped.empty() ? defined : mapped;
}

std::optional<std::int64_t> killTime(const Field& check) {
    const auto failures =
        check["maxConsecutiveFailures"].present() ? check["maxConsecutiveFailures"].int64() : 3;
    if (failures <= 0) {
        return std::nullopt;
    }
    const auto orElse = [&](const char* name, std::int64_t otherwise) {
        const auto value = check[name].present() ? check[name].int64() : otherwise;
        return std::clamp<std::int64_t>(value, 0, 1'000'000);
    };
    return orElse("gracePeriodSeconds", 300) + orElse("delaySeconds", 15) +
           std::min<std::int64_t>(failures, 1'000) *
               (orElse("intervalSeconds", 60) + orElse("timeoutSeconds", 20));
}

std::vector<Check> checksOf(const Field& list) {
    std::vector<Check> checks;
    list.eachElement([&](const Field& entry) {
        Check check;
        check.protocol = entry["protocol"].text();
        check.anyPort = entry["port"].int64() != 0;
        if (entry["portIndex"].present() && entry["portIndex"].int64() >= 0) {
            check.portIndex = static_cast<std::size_t>(entry["portIndex"].int64());
        }
        check.killAfter = killTime(entry);
        checks.push_back(std::move(check));
    });
    return checks;
}

std::optional<bool> aliveOf(const Field& results) {
    std::optional<bool> alive;
    results.eachElement(
        [&](const Field& result) { alive = alive.value_or(false) || result["alive"].flag(false); });
    return alive;
}

Task taskOf(const Field& field) {
    Task task;
    task.id = field["id"].text();
    task.host = field["host"].text();
    task.ports = portList(field["ports"]);
    field["ipAddresses"].eachElement([&](const Field& address) {
        if (auto text = address["ipAddress"].text(); !text.empty()) {
            task.addresses.push_back(std::move(text));
        }
    });
    task.state = field["state"].text();
    task.alive = aliveOf(field["healthCheckResults"]);
    task.startedAt = parseTimestamp(field["startedAt"].text()).value_or(0);
    return task;
}

std::map<std::string, std::string> labelsOf(const Field& field) {
    std::map<std::string, std::string> labels;
    field.eachMember([&](const std::string& name, const Field& value) {
        if (name.starts_with(kLabelPrefix)) {
            labels.emplace(name, value.text());
        }
    });
    return labels;
}

class ListReader {
public:
    void read(const Json& json, std::size_t index) {
        std::optional<FieldProblem> problem;
        App app = readApp(Field(json, problem), problem);
        const auto name =
            app.id.empty() ? "apps[" + std::to_string(index) + "]" : printable(app.id, kMaxIdBytes);
        if (!problem && !isAppId(app.id)) {
            problem = FieldProblem{"id", app.id.empty() ? "is required" : "is not an app id"};
        } else if (!problem && !seen_.insert(app.id).second) {
            problem = FieldProblem{"id", "is there twice"};
        }
        if (problem) {
            list_.malformed.push_back({name, printable(problem->where, 200), problem->what});
        } else {
            list_.apps.push_back(std::move(app));
        }
    }

    AppList take() && { return std::move(list_); }

private:
    // Reads the id first, so that what is wrong with the rest has a name.
    static App readApp(const Field& field, std::optional<FieldProblem>& problem) {
        App app;
        app.id = field["id"].text();
        app.shape.labels = labelsOf(field["labels"]);
        app.shape.mode = modeOf(field);
        app.shape.ports = servicePortsOf(field, app.shape.mode);
        app.shape.checks = checksOf(field["healthChecks"]);
        app.tasksKnown = field["tasks"].present();
        field["tasks"].eachElement([&](const Field& task) { app.tasks.push_back(taskOf(task)); });
        if (!problem && app.shape.ports.size() > kMaxPorts) {
            problem = FieldProblem{"ports", "are more than 256"};
        }
        return app;
    }

    AppList list_;
    std::set<std::string> seen_;
};

constexpr std::size_t kMaxDepth = 64;

// Old Marathons write null where there is nothing yet, in lists too.
void dropNulls(Json& json) {
    if (json.is_array()) {
        auto& list = *json.get_ptr<Json::array_t*>();
        list.erase(std::remove_if(list.begin(), list.end(),
                                  [](const Json& each) { return each.is_null(); }),
                   list.end());
    }
    if (json.is_structured()) {
        for (Json& each : json) {
            dropNulls(each);
        }
    }
}

std::variant<Json, std::string> parseDocument(std::string_view text) {
    if (text.empty()) {
        return std::string("the answer is empty");
    }
    if (model::nestsDeeperThan(text, kMaxDepth)) {
        return std::string("the answer is nested too deeply");
    }
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) {
        return std::string("the answer is not whole JSON");
    }
    if (!json.is_object()) {
        return std::string("the answer is not a JSON object");
    }
    dropNulls(json);
    return json;
}

}  // namespace

bool isAppId(std::string_view text) noexcept {
    if (text.size() < 2 || text.size() > kMaxIdBytes || text.front() != '/' || text.back() == '/' ||
        text.find("//") != std::string_view::npos) {
        return false;
    }
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/';
    });
}

std::variant<AppList, std::string> parseAppList(std::string_view json) {
    const auto document = parseDocument(json);
    if (const auto* wrong = std::get_if<std::string>(&document)) {
        return *wrong;
    }
    const auto& object = std::get<Json>(document);
    const auto apps = object.find("apps");
    if (apps == object.end() || !apps->is_array()) {
        return "the answer has no list of apps";
    }
    ListReader reader;
    for (std::size_t i = 0; i < apps->size(); ++i) {
        reader.read((*apps)[i], i);
    }
    return std::move(reader).take();
}

std::variant<AppList, std::string> parseOneApp(std::string_view json) {
    const auto document = parseDocument(json);
    if (const auto* wrong = std::get_if<std::string>(&document)) {
        return *wrong;
    }
    const auto& object = std::get<Json>(document);
    const auto app = object.find("app");
    if (app == object.end()) {
        return "the answer has no app";
    }
    ListReader reader;
    reader.read(*app, 0);
    return std::move(reader).take();
}

}  // namespace evergate::controller::marathon
