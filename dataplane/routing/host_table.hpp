// SPDX-License-Identifier: Apache-2.0
// The hosts of one listener: exact names, one-label wildcards, any host. Immutable once finish()
// was called.
#pragma once

#include <array>
#include <string_view>

#include "dataplane/routing/path_table.hpp"
#include "dataplane/routing/text_map.hpp"

namespace evergate::routing {

// A host as it is compared: lower case, without trailing dot, on the stack.
class ComparableHost {
public:
    explicit ComparableHost(std::string_view host) noexcept;

    // DNS names have 253 bytes at most; nothing longer is routed.
    bool tooLong() const noexcept { return tooLong_; }

    std::string_view text() const noexcept { return {bytes_.data(), size_}; }

private:
    std::array<char, 256> bytes_;
    std::size_t size_ = 0;
    bool tooLong_ = false;
};

class HostTable {
public:
    // `pattern`: "" for any host, "*.example.com" for one label, or a name in lower case.
    PathTable& at(std::string_view pattern);
    void finish();

    // Null when there is none.
    const PathTable* exact(std::string_view host) const noexcept;
    const PathTable* wildcard(std::string_view host) const noexcept;

    const PathTable* any() const noexcept { return hasAny_ ? &any_ : nullptr; }

    // The first that has the path, in the order above.
    const PathRule* match(std::string_view host, std::string_view path) const noexcept;

private:
    TextMap<PathTable> exact_;
    TextMap<PathTable> wildcards_;  // by suffix: ".example.com"
    PathTable any_;
    bool hasAny_ = false;
};

}  // namespace evergate::routing
