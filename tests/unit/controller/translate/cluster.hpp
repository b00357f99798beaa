// SPDX-License-Identifier: Apache-2.0
// A small cluster to translate: an object store with short ways to fill it.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controller/objects/object_store.hpp"
#include "controller/translate/translate.hpp"

namespace evergate::controller::testing {

struct Path {
    std::string path;
    std::string type;
    std::string service;
    PortReference port{"", 80};
};

inline PortReference byName(std::string name) {
    return {std::move(name), 0};
}

class Cluster {
public:
    ObjectStore store;
    TranslateOptions options;

    Cluster() { addClass("evergate", kControllerName); }

    static Metadata named(std::string ns, std::string name, std::int64_t createdAt = 0) {
        Metadata metadata;
        metadata.id = {std::move(ns), std::move(name)};
        metadata.createdAt = createdAt;
        return metadata;
    }

    void addClass(const std::string& name, const std::string& controller, Annotations notes = {}) {
        IngressClass object{named("", name), controller};
        object.metadata.annotations = std::move(notes);
        store.upsert(std::move(object));
    }

    static Ingress ingress(const std::string& name, const std::string& host,
                           std::vector<Path> paths, std::int64_t createdAt = 0) {
        Ingress object;
        object.metadata = named("shop", name, createdAt);
        object.ingressClassName = "evergate";
        IngressRule rule{host, {}};
        for (Path& path : paths) {
            rule.paths.push_back({path.path, path.type, {path.service, path.port, false}});
        }
        object.rules.push_back(std::move(rule));
        return object;
    }

    void addService(const std::string& name, std::vector<ServicePort> ports = {{"http", 80, true}},
                    Annotations notes = {}, std::int64_t createdAt = 0) {
        Service object;
        object.metadata = named("shop", name, createdAt);
        object.metadata.annotations = std::move(notes);
        object.ports = std::move(ports);
        store.upsert(std::move(object));
    }

    static EndpointSlice slice(const std::string& name, const std::string& service,
                               std::vector<SliceEndpoint> endpoints,
                               std::vector<SlicePort> ports = {{"http", 8080, true}}) {
        EndpointSlice object;
        object.metadata = named("shop", name);
        object.service = service;
        object.endpoints = std::move(endpoints);
        object.ports = std::move(ports);
        return object;
    }

    Desired translated() const { return translate(store, options); }
};

// "any-listener host type path -> backend" lines, sorted: what the routes of a configuration say.
inline std::vector<std::string> routesOf(const Desired& desired) {
    std::vector<std::string> lines;
    for (const auto& [key, entry] : desired.config.entries()) {
        if (const auto* route = std::get_if<model::Route>(entry.value.get())) {
            static constexpr const char* kTypes[] = {"=", "^", "~"};
            lines.push_back((route->host.empty() ? "*" : route->host) + ' ' +
                            kTypes[static_cast<int>(route->pathType)] + route->path + " -> " +
                            route->backend);
        }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

inline std::vector<std::string> problemsOf(const Desired& desired) {
    std::vector<std::string> lines;
    for (const ObjectProblem& problem : desired.problems) {
        lines.push_back(problem.object + ' ' + problem.where + ": " + problem.what);
    }
    return lines;
}

inline std::vector<std::string> endpointsOf(const Desired& desired, const std::string& backend) {
    std::vector<std::string> lines;
    const auto* value = desired.config.find<model::Endpoints>({model::Kind::endpoints, backend});
    if (value == nullptr) {
        return {"absent"};
    }
    for (const model::Endpoint& endpoint : value->endpoints) {
        lines.push_back(endpoint.address + ' ' + std::to_string(endpoint.port));
    }
    return lines;
}

}  // namespace evergate::controller::testing
