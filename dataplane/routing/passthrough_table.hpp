// SPDX-License-Identifier: Apache-2.0
// The hosts of one listener whose TLS connections pass through, by the name they ask for: exact
// names and one-label wildcards. Immutable once filled.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/routing/text_map.hpp"

namespace evergate::routing {

struct Target;

class PassthroughTable {
public:
    // `pattern`: "*.example.com" for one label, or a name in lower case.
    void add(std::string_view pattern, const Target* target) {
        if (pattern.starts_with("*.")) {
            wildcards_[std::string(pattern.substr(1))] = target;
        } else {
            exact_[std::string(pattern)] = target;
        }
    }

    bool empty() const noexcept { return exact_.empty() && wildcards_.empty(); }

    // Null when there is none.
    const Target* exact(std::string_view host) const noexcept { return find(exact_, host); }

    const Target* wildcard(std::string_view host) const noexcept {
        const std::size_t dot = host.find('.');
        const bool hasLabel = dot != std::string_view::npos && dot != 0;
        return hasLabel ? find(wildcards_, host.substr(dot)) : nullptr;
    }

private:
    using Targets = TextMap<const Target*>;

    static const Target* find(const Targets& targets, std::string_view key) noexcept {
        const auto it = targets.find(key);
        return it == targets.end() ? nullptr : it->second;
    }

    Targets exact_;
    Targets wildcards_;  // by suffix: ".example.com"
};

}  // namespace evergate::routing
