// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/route_rank.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace evergate::controller::marathon {

void rankRoutes(std::vector<RankedRoute>& routes) {
    std::stable_sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) {
        return std::tie(b.weight, a.appId, a.port) < std::tie(a.weight, b.appId, b.port);
    });
    // By host: the paths in force so far. Of those that hide a path the first by rank is named.
    std::map<std::string, std::vector<std::size_t>> inForce;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        auto& before = inForce[routes[i].host];
        const auto hiding = std::find_if(before.begin(), before.end(), [&](std::size_t earlier) {
            return routes[i].path.starts_with(routes[earlier].path);
        });
        if (hiding == before.end()) {
            before.push_back(i);
        } else {
            routes[i].hiddenBy = *hiding;
        }
    }
}

}  // namespace evergate::controller::marathon
