// SPDX-License-Identifier: Apache-2.0
// What the health checks tell the workers about one endpoint. A plain value.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::health {

struct EndpointHealth {
    routing::BackendId backend = 0;
    std::string address;  // as in model::Endpoint
    std::uint16_t port = 0;
    bool up = true;

    friend bool operator==(const EndpointHealth&, const EndpointHealth&) = default;
};

}  // namespace evergate::health
