// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/backend_reference.hpp"

#include <algorithm>
#include <charconv>

namespace evergate::controller {

std::string toText(const PortReference& port) {
    return port.name.empty() ? std::to_string(port.number) : port.name;
}

std::string BackendReference::backendName() const {
    return service.ns + '/' + service.name + '/' + toText(port);
}

std::optional<BackendReference> BackendReference::parse(std::string_view name) {
    const std::size_t first = name.find('/');
    const std::size_t last = name.rfind('/');
    if (first == std::string_view::npos || first == last) {
        return std::nullopt;
    }
    auto port = parsePortReference(name.substr(last + 1));
    const std::string_view ns = name.substr(0, first);
    const std::string_view service = name.substr(first + 1, last - first - 1);
    if (!std::holds_alternative<PortReference>(port) || !isObjectName(ns) ||
        !isObjectName(service)) {
        return std::nullopt;
    }
    return BackendReference{{std::string(ns), std::string(service)},
                            std::get<PortReference>(std::move(port))};
}

bool isPortName(std::string_view text) noexcept {
    return text.size() <= 63 && text.find('.') == std::string_view::npos && isObjectName(text) &&
           std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::variant<std::uint16_t, SyntaxError> parsePort(std::string_view text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc() || stop != end || port == 0 || text.front() == '0') {
        return SyntaxError{"must be a port number from 1 to 65535"};
    }
    return port;
}

std::variant<PortReference, SyntaxError> parsePortReference(std::string_view text) {
    const auto number = parsePort(text);
    if (const auto* port = std::get_if<std::uint16_t>(&number)) {
        return PortReference{{}, *port};
    }
    if (isPortName(text)) {
        return PortReference{std::string(text), 0};
    }
    return SyntaxError{"must be the name or number of a port of the Service"};
}

std::variant<BackendReference, ReferenceError> referenceOf(const std::string& ns,
                                                           const IngressBackend& backend) {
    if (backend.resource) {
        return ReferenceError{"resource", "resource backends are not supported"};
    }
    if (!isObjectName(backend.service)) {
        return ReferenceError{"service.name",
                              backend.service.empty() ? "is required" : "is not a valid name"};
    }
    const auto& [name, number] = backend.port;
    if (name.empty() == (number == 0)) {
        return ReferenceError{"service.port", "needs exactly one of name and number"};
    }
    if (name.empty() && (number < 1 || number > 65535)) {
        return ReferenceError{"service.port.number", "must be from 1 to 65535"};
    }
    if (!name.empty() && !isPortName(name)) {
        return ReferenceError{"service.port.name", "is not a valid port name"};
    }
    return BackendReference{{ns, backend.service}, backend.port};
}

std::string rulePath(std::size_t rule) {
    return "spec.rules[" + std::to_string(rule) + ']';
}

std::string pathPath(std::size_t rule, std::size_t path) {
    return rulePath(rule) + ".http.paths[" + std::to_string(path) + ']';
}

void forEachBackend(
    const Ingress& ingress,
    const std::function<void(const IngressBackend&, const std::string& where)>& visit) {
    if (ingress.defaultBackend) {
        visit(*ingress.defaultBackend, "spec.defaultBackend");
    }
    for (std::size_t i = 0; i < ingress.rules.size(); ++i) {
        const auto& paths = ingress.rules[i].paths;
        for (std::size_t j = 0; j < paths.size(); ++j) {
            visit(paths[j].backend, pathPath(i, j) + ".backend");
        }
    }
}

const ServicePort* resolvePort(const Service& service, const PortReference& port) noexcept {
    const auto it =
        std::find_if(service.ports.begin(), service.ports.end(), [&](const ServicePort& candidate) {
            return candidate.tcp && (port.name.empty() ? candidate.port == port.number
                                                       : candidate.name == port.name);
        });
    return it == service.ports.end() ? nullptr : &*it;
}

}  // namespace evergate::controller
