// SPDX-License-Identifier: Apache-2.0
// Builds a routing table from short rules, for tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::routing::testing {

class CountingIds : public BackendIds {
public:
    BackendId idOf(const std::string& name) override {
        return ids_.try_emplace(name, static_cast<BackendId>(ids_.size())).first->second;
    }

private:
    std::map<std::string, BackendId> ids_;
};

// Each route is named by its number and goes to the backend `backend`, on listener "http" if not
// said.
class RouteTableBuilder {
public:
    RouteTableBuilder& exact(std::string host, std::string path, std::string backend) {
        return add(std::move(host), model::PathType::exact, std::move(path), std::move(backend));
    }

    RouteTableBuilder& prefix(std::string host, std::string path, std::string backend) {
        return add(std::move(host), model::PathType::prefix, std::move(path), std::move(backend));
    }

    RouteTableBuilder& raw(std::string host, std::string path, std::string backend) {
        return add(std::move(host), model::PathType::rawPrefix, std::move(path),
                   std::move(backend));
    }

    RouteTableBuilder& through(std::string host, std::string backend) {
        passthrough_ = true;
        prefix(std::move(host), "/", std::move(backend));
        passthrough_ = false;
        return *this;
    }

    RouteTableBuilder& on(std::vector<std::string> listeners) {
        listeners_ = std::move(listeners);
        return *this;
    }

    RoutingTable build() {
        CountingIds ids;
        return compile(config_, ids);
    }

private:
    RouteTableBuilder& add(std::string host, model::PathType type, std::string path,
                           std::string backend) {
        model::Route route;
        route.listeners = listeners_;
        route.host = std::move(host);
        route.pathType = type;
        route.path = std::move(path);
        route.backend = std::move(backend);
        route.passthrough = passthrough_;
        route.origin = "Ingress test/" + route.backend;
        std::string name = std::to_string(config_.entries().size());
        name.insert(0, 5 - name.size(), '0');
        config_.put({model::Kind::route, std::move(name)}, std::move(route));
        return *this;
    }

    model::Config config_;
    std::vector<std::string> listeners_{"http"};
    bool passthrough_ = false;
};

// The backend a request goes to; "-" when there is no route.
inline std::string backendOf(const RoutingTable& table, std::string_view host,
                             std::string_view path, std::string_view listener = "http") {
    std::string scratch;
    const Target* target =
        table.match(table.listenerIndex(listener), host, normalizePath(path, scratch));
    return target == nullptr ? "-" : target->backend;
}

}  // namespace evergate::routing::testing
