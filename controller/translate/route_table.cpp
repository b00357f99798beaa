// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/route_table.hpp"

#include "common/model/validation.hpp"

namespace evergate::controller {

bool RouteTable::claim(RouteClaim claim, ProblemList& problems) {
    // The data plane would refuse it: better to name the object here.
    const auto wrong = model::validate({model::Kind::route, claim.name}, claim.route);
    if (!wrong.empty()) {
        problems.add(claim.route.origin, claim.where, wrong.front().what);
        return false;
    }
    const model::Route& route = claim.route;
    const auto [it, inserted] =
        claims_.try_emplace({route.host, {route.pathType, route.path}}, std::move(claim));
    if (inserted) {
        return true;
    }
    const RouteClaim& winner = it->second;
    problems.add(route.origin, claim.where,
                 winner.route.origin == route.origin
                     ? "has the host, type and path of " + winner.where + "; ignored"
                     : "host, type and path already belong to " + winner.route.origin + " (" +
                           winner.where + "), which comes first; ignored");
    return false;
}

const RouteClaim* RouteTable::rootOf(const std::string& host) const {
    for (const auto type : {model::PathType::prefix, model::PathType::rawPrefix}) {
        const auto it = claims_.find({host, PathMatch{type, "/"}});
        if (it != claims_.end()) {
            return &it->second;
        }
    }
    return nullptr;
}

void RouteTable::emit(model::Config& config) const {
    for (const auto& [match, claim] : claims_) {
        config.put({model::Kind::route, claim.name}, claim.route);
        if (claim.plain) {
            config.put({model::Kind::route, claim.name + "/http"}, *claim.plain);
        }
    }
}

}  // namespace evergate::controller
