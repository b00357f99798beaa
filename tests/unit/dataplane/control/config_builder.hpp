// SPDX-License-Identifier: Apache-2.0
// Small configurations for the tests of this folder.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/model/config.hpp"

namespace evergate::dataplane::testing {

class ConfigBuilder {
public:
    ConfigBuilder& http(const std::string& name, std::uint16_t port,
                        const std::string& address = "127.0.0.1") {
        model::Listener listener;
        listener.address = address;
        listener.port = port;
        return put(model::Kind::listener, name, listener);
    }

    ConfigBuilder& tcp(const std::string& name, std::uint16_t port, const std::string& backend) {
        model::Listener listener;
        listener.address = "127.0.0.1";
        listener.port = port;
        listener.protocol = model::ListenerProtocol::tcp;
        listener.backend = backend;
        return put(model::Kind::listener, name, listener);
    }

    ConfigBuilder& backend(const std::string& name) {
        return put(model::Kind::backend, name, model::Backend{});
    }

    ConfigBuilder& endpoints(const std::string& backend, std::vector<model::Endpoint> endpoints) {
        return put(model::Kind::endpoints, backend, model::Endpoints{std::move(endpoints)});
    }

    ConfigBuilder& route(const std::string& name, const std::string& host, const std::string& path,
                         const std::string& backend,
                         model::PathType type = model::PathType::prefix) {
        model::Route route;
        route.listeners = {"http"};
        route.host = host;
        route.path = path;
        route.pathType = type;
        route.backend = backend;
        route.origin = "Ingress test/" + name;
        return put(model::Kind::route, name, route);
    }

    // Whatever else a test needs.
    ConfigBuilder& value(model::Kind kind, const std::string& name, model::Value what) {
        return put(kind, name, std::move(what));
    }

    ConfigBuilder& erase(model::Kind kind, const std::string& name) {
        config_.erase({kind, name});
        return *this;
    }

    std::shared_ptr<const model::Config> build() const {
        return std::make_shared<const model::Config>(config_);
    }

    const model::Config& config() const { return config_; }

private:
    ConfigBuilder& put(model::Kind kind, const std::string& name, model::Value value) {
        config_.put(model::Key{kind, name}, std::move(value));
        return *this;
    }

    model::Config config_;
};

}  // namespace evergate::dataplane::testing
