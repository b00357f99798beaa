// SPDX-License-Identifier: Apache-2.0
// How an Ingress or a listener refers to a port of a Service, and the name its Backend gets from
// that:
// "<namespace>/<service>/<port name or number>". Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "controller/objects/objects.hpp"
#include "controller/translate/match_syntax.hpp"

namespace evergate::controller {

struct BackendReference {
    ObjectName service;
    PortReference port;  // exactly one of name and number

    std::string backendName() const;
    // Reads a name back; nothing when it is not one.
    static std::optional<BackendReference> parse(std::string_view backendName);

    friend auto operator<=>(const BackendReference&, const BackendReference&) = default;
};

// A DNS label with at least one letter, so that a name is never a number.
bool isPortName(std::string_view text) noexcept;

// 1..65535, digits only, no leading zero.
std::variant<std::uint16_t, SyntaxError> parsePort(std::string_view text);
// A port of a Service by name or number.
std::variant<PortReference, SyntaxError> parsePortReference(std::string_view text);

struct ReferenceError {
    std::string field;  // below the backend: "service.port.number"
    std::string what;
};

std::variant<BackendReference, ReferenceError> referenceOf(const std::string& ns,
                                                           const IngressBackend& backend);

// Visits every backend of an Ingress, the default one first, with its field path.
void forEachBackend(
    const Ingress& ingress,
    const std::function<void(const IngressBackend&, const std::string& where)>& visit);

std::string rulePath(std::size_t rule);                    // spec.rules[0]
std::string pathPath(std::size_t rule, std::size_t path);  // spec.rules[0].http.paths[1]

// The port of `service` that is meant; null when there is none. Only TCP ports can be.
const ServicePort* resolvePort(const Service& service, const PortReference& port) noexcept;
// How people write it: "http" or "80".
std::string toText(const PortReference& port);

}  // namespace evergate::controller
