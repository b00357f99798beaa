// SPDX-License-Identifier: Apache-2.0
// What a route does to requests besides choosing a backend, in words for people. Never the values
// of headers. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/routing/route_policy.hpp"

namespace evergate::dataplane {

// One word each: "rewrite=/v2", "sources=2", "body=8192", "request-headers=2", "https",
// "passthrough".
std::vector<std::string> policyWords(const model::Route& route);

// One sentence each, in the order in which things happen to a request whose path was received as
// `path` and matched as `normal`.
std::vector<std::string> policySteps(const routing::RoutePolicy& policy, std::string_view path,
                                     std::string_view normal);

}  // namespace evergate::dataplane
