// SPDX-License-Identifier: Apache-2.0
// What a RoutingTable holds. For the sources of this folder only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/routing/host_table.hpp"
#include "dataplane/routing/passthrough_table.hpp"
#include "dataplane/routing/routing_table.hpp"

namespace evergate::routing {

struct RoutingTable::Impl {
    std::map<std::string, int, std::less<>> indexes;  // by listener name
    std::vector<HostTable> listeners;
    std::vector<PassthroughTable> passthrough;  // of each of the listeners
    std::vector<std::unique_ptr<Target>> targets;
};

}  // namespace evergate::routing
