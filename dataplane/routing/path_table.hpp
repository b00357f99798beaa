// SPDX-License-Identifier: Apache-2.0
// The path rules of one host: exact paths, then prefixes from the longest to the shortest.
//
// Immutable once finish() was called. match() costs one hash lookup for the exact paths and one for
// each distinct prefix length at which the path could be cut; most lengths are ruled out by one
// byte.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/routing/text_map.hpp"

namespace evergate::routing {

struct Target;

struct PathRule {
    model::PathType type = model::PathType::prefix;
    // As matched: normalised, without the trailing slash of an element-wise prefix.
    std::string path;
    const Target* target = nullptr;
};

class PathTable {
public:
    // Adds a rule unless one with the same type and path is there: the first stays.
    void add(model::PathType type, std::string_view path, const Target* target);
    void finish();

    const PathRule* match(std::string_view path) const noexcept;

private:
    struct Prefixes {
        std::unique_ptr<const PathRule> element;  // "/foo": /foo and /foo/bar
        std::unique_ptr<const PathRule> raw;      // "/foo": /foobar too
    };

    struct Length {
        std::size_t size = 0;
        bool anywhere = false;  // some prefix of this length need not end at a slash
    };

    TextMap<PathRule> exact_;
    TextMap<Prefixes> prefixes_;   // all but "/"
    std::vector<Length> lengths_;  // of prefixes_, descending
    Prefixes root_;                // "/": matches whatever is left, "*" of OPTIONS included
};

}  // namespace evergate::routing
