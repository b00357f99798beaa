// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/publish_address.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/objects/field.hpp"
#include "controller/translate/ip_address.hpp"

namespace evergate::controller::writeback {
namespace {

using Json = nlohmann::json;

bool isHostName(std::string_view text) {
    return text.size() <= 253 && isObjectName(text);
}

// What a Service says of where it can be reached.
struct Reach {
    std::string type;
    std::string clusterIp;
    std::string externalName;
    Addresses external;
    Addresses balancer;
};

Reach reachOf(const Field& root) {
    Reach reach;
    const Field spec = root["spec"];
    reach.type = spec["type"].text();
    reach.clusterIp = spec["clusterIP"].text();
    reach.externalName = spec["externalName"].text();
    spec["externalIPs"].eachElement([&](const Field& ip) {
        reach.external.push_back({ip.text(), ""});
    });
    root["status"]["loadBalancer"]["ingress"].eachElement([&](const Field& entry) {
        reach.balancer.push_back({entry["ip"].text(), entry["hostname"].text()});
    });
    return reach;
}

Addresses addressesOf(Reach reach) {
    if (reach.type == "ExternalName") {
        return {{"", std::move(reach.externalName)}};
    }
    if (reach.type == "LoadBalancer") {
        reach.balancer.insert(reach.balancer.end(), reach.external.begin(), reach.external.end());
        return std::move(reach.balancer);
    }
    if (!reach.external.empty()) {
        return std::move(reach.external);
    }
    const bool headless = reach.clusterIp.empty() || reach.clusterIp == "None";
    return headless ? Addresses{} : Addresses{{std::move(reach.clusterIp), ""}};
}

}  // namespace

Addresses sorted(Addresses addresses) {
    std::erase_if(addresses, [](const auto& each) { return each == PublishedAddress{}; });
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    return addresses;
}

std::optional<PublishedAddress> parsePublishedAddress(std::string_view text) {
    if (const auto ip = parseIpAddress(text)) {
        return PublishedAddress{std::string(text), ""};
    }
    const bool number = std::all_of(text.begin(), text.end(),
                                    [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    return !number && isHostName(text) ? std::optional(PublishedAddress{"", std::string(text)})
                                       : std::nullopt;
}

std::optional<ObjectName> parseObjectName(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    ObjectName name{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
    return isObjectName(name.ns) && isObjectName(name.name) ? std::optional(std::move(name))
                                                            : std::nullopt;
}

std::variant<Addresses, std::string> addressesOfService(std::string_view json) {
    const auto tree = Json::parse(json, nullptr, false);
    if (!tree.is_object()) {
        return "is no object";
    }
    std::optional<FieldProblem> problem;
    auto reach = reachOf(Field(tree, problem));
    if (problem) {
        return problem->where + ' ' + problem->what;
    }
    return sorted(addressesOf(std::move(reach)));
}

}  // namespace evergate::controller::writeback
