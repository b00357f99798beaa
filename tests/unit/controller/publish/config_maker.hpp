// SPDX-License-Identifier: Apache-2.0
// Short ways to write the configurations of these tests.
#pragma once

#include <string>
#include <utility>

#include "common/model/config.hpp"

namespace evergate::controller {

inline model::Key listenerKey(const std::string& name) {
    return {model::Kind::listener, name};
}

inline model::Key backendKey(const std::string& name) {
    return {model::Kind::backend, name};
}

inline model::Key endpointsKey(const std::string& name) {
    return {model::Kind::endpoints, name};
}

inline model::Key routeKey(const std::string& name) {
    return {model::Kind::route, name};
}

inline model::Value backend(std::uint32_t retries = 1) {
    model::Backend value;
    value.retries = retries;
    return value;
}

inline model::Value route(const std::string& path, const std::string& to) {
    model::Route value;
    value.listeners = {"http"};
    value.path = path;
    value.backend = to;
    return value;
}

inline model::Value endpoints(std::uint16_t port) {
    return model::Endpoints{{{"10.0.0.1", port, 1}}};
}

inline model::Value listener(std::uint16_t port = 80) {
    model::Listener value;
    value.address = "0.0.0.0";
    value.port = port;
    return value;
}

// A listener and `count` backends with endpoints and a route each: "b0", "b1"...
inline model::Config makeConfig(int count) {
    model::Config config;
    config.put(listenerKey("http"), listener());
    for (int i = 0; i < count; ++i) {
        const std::string name = "b" + std::to_string(i);
        config.put(backendKey(name), backend());
        config.put(endpointsKey(name), endpoints(8080));
        config.put(routeKey(name), route("/" + name, name));
    }
    return config;
}

}  // namespace evergate::controller
