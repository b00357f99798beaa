// SPDX-License-Identifier: Apache-2.0
// What translation needs to know besides the objects: plain values, set once at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/values.hpp"
#include "controller/objects/objects.hpp"

namespace evergate::controller {

// What clients are asked for where no Ingress says anything else.
struct ClientDefaults {
    model::ClientCertificates mode = model::ClientCertificates::off;
    std::optional<ObjectName> authorities{};  // a Secret; there with any other mode
    std::uint32_t depth = 3;

    friend bool operator==(const ClientDefaults&, const ClientDefaults&) = default;
};

struct HttpsOptions {
    std::string address = "0.0.0.0";
    std::uint16_t port = 443;
    std::uint16_t redirectPort = 443;  // what clients are sent to: a balancer may stand in front
    std::optional<ObjectName> defaultCertificate;  // a Secret
    ClientDefaults clients{};

    friend bool operator==(const HttpsOptions&, const HttpsOptions&) = default;
};

struct TranslateOptions {
    std::string ingressClass = "evergate";  // empty: every class whose controller we are
    std::string listenAddress = "0.0.0.0";  // of --http-listen; listeners of Services use it too
    std::uint16_t listenPort = 80;
    std::optional<HttpsOptions> https;         // absent: no such listener, and `tls` means nothing
    std::vector<std::uint16_t> reservedPorts;  // no Service may have these: RPC, admin
    // Of the main listeners, each.
    std::uint32_t listenerMaxConnections = 0;    // 0: no limit of its own
    std::vector<std::string> proxyProtocolFrom;  // networks whose connections begin with a header
    bool loopbackEndpoints = false;  // take 127.0.0.0/8, ::1 and link-local addresses as endpoints
    model::Settings settings;
};

// What spec.controller of our IngressClasses says.
inline constexpr const char* kControllerName = "evergate.io/ingress-controller";

}  // namespace evergate::controller
