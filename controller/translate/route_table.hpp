// SPDX-License-Identifier: Apache-2.0
// The routes of one translation, each match owned by whoever claimed it first.
//
// Claims come in order of precedence (oldest Ingress first), so the order of calls decides, and
// nothing else does. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/model/config.hpp"
#include "controller/translate/client_wish.hpp"
#include "controller/translate/match_syntax.hpp"
#include "controller/translate/problem_list.hpp"

namespace evergate::controller {

// A wish for a route; route.origin is the object that claims: "Ingress shop/cart".
struct RouteClaim {
    std::string name;  // of the route
    model::Route route;
    std::string where;  // the field it claims with
    // What evergate.io/ssl-redirect says; without a word, a host with a certificate of its own
    // redirects.
    std::optional<bool> sslRedirect;
    ClientWish clients{};  // of its Ingress
    // What evergate.io/ssl-passthrough says.
    bool passthrough = false;
    // Beside a route that passes through: what becomes of plain HTTP to that host. None: 404.
    std::optional<model::Route> plain{};
};

class RouteTable {
public:
    // False, and a problem that names the winner, when the match is taken.
    bool claim(RouteClaim claim, ProblemList& problems);
    // Who owns every path of `host`; null when nobody does.
    const RouteClaim* rootOf(const std::string& host) const;
    void emit(model::Config& config) const;

private:
    std::map<std::pair<std::string, PathMatch>, RouteClaim> claims_;
};

}  // namespace evergate::controller
