// SPDX-License-Identifier: Apache-2.0
// Why a request goes where it goes: what match() looked at, in words. For people (evergatectl
// explain), not for the request path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::routing {

struct Explanation {
    std::string host;       // as compared: lower case, no trailing dot
    std::string path;       // as compared: normalised; empty when the path is invalid
    std::string hostEntry;  // that matched: "shop.example.com", "*.example.com" or "any host"
    std::string pathRule;   // that matched: "exact /a", "prefix /a" or "raw prefix /a"
    const Target* target = nullptr;  // null: no route. Lives as long as the table
    std::vector<std::string> steps;  // what was tried, in order
};

// `host` without port, `path` as received (without query).
Explanation explain(const RoutingTable& table, std::string_view listener, std::string_view host,
                    std::string_view path);

}  // namespace evergate::routing
