// SPDX-License-Identifier: Apache-2.0
// Hosts and paths as an Ingress writes them: parsed whole, strictly, into what a model::Route
// takes. Pure. The rules are the API server's own, so that a manifest means the same with and
// without one.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "common/model/values.hpp"

namespace evergate::controller {

struct SyntaxError {
    std::string what;
};

// "" stays "" (any host); else lower case, a DNS name or "*." and one.
std::variant<std::string, SyntaxError> parseHost(std::string_view text);

struct PathMatch {
    model::PathType type = model::PathType::prefix;
    std::string path = "/";

    friend auto operator<=>(const PathMatch&, const PathMatch&) = default;
};

// A trailing '/' of a Prefix means nothing and is dropped.
std::variant<PathMatch, SyntaxError> parsePath(std::string_view pathType, std::string_view path);

}  // namespace evergate::controller
