// SPDX-License-Identifier: Apache-2.0
// JSON of Marathon -> apps. Pure and total: any text gives a result, and what is wrong with one app
// costs that app only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/marathon/marathon_app.hpp"

namespace evergate::controller::marathon {

struct AppProblem {
    std::string appId;  // "/shop/web", or "apps[3]" when it has no usable id
    std::string where;  // "container.portMappings[0].servicePort"
    std::string what;
};

struct AppList {
    std::vector<App> apps;              // each id once
    std::vector<AppProblem> malformed;  // apps left out
};

// The answer to GET /v2/apps; or, when it is no whole answer, why.
std::variant<AppList, std::string> parseAppList(std::string_view json);

// The answer to GET /v2/apps/{id}: one app or one problem.
std::variant<AppList, std::string> parseOneApp(std::string_view json);

// Marathon's rule: "/" and segments of lower-case letters, digits, dots and hyphens.
bool isAppId(std::string_view text) noexcept;

}  // namespace evergate::controller::marathon
