// SPDX-License-Identifier: Apache-2.0
// Moves the matched prefix of a path: "/shop/cart" on route "/shop" becomes "/v2/cart".
//
// By element: never "//" where the parts meet, never an empty path. What follows the prefix stays
// as the client spelled it; only when the path has dot segments its normalised form is used, since
// there a prefix of the spelling is not a prefix of the meaning. A raw prefix that ends inside an
// element is replaced by byte. Immutable, pure.
#pragma once

#include <string>
#include <string_view>

#include "common/model/values.hpp"

namespace evergate::routing {

class PathRewrite {
public:
    // `path` is the route's, normalised; `replacement` is valid (model::isRewritePrefix).
    PathRewrite(model::PathType type, std::string_view path, std::string_view replacement);

    // The path to forward, into `out`. `path` as received, `normal` as it was matched.
    void apply(std::string_view path, std::string_view normal, std::string& out) const;

    // What is taken away, for X-Forwarded-Prefix; empty when that is nothing.
    const std::string& prefix() const noexcept { return prefix_; }

private:
    std::string_view rest(std::string_view path, std::string_view normal) const noexcept;

    model::PathType type_;
    std::string prefix_;        // without trailing slash
    std::string replacement_;   // as configured
    std::size_t elements_ = 0;  // of prefix_
};

}  // namespace evergate::routing
