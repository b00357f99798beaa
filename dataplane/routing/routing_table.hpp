// SPDX-License-Identifier: Apache-2.0
// The compiled, immutable routing table: which backend serves (listener, host, path).
//
// Pure: no sockets, clock or logging. Built once by compile() off the workers; match() allocates
// nothing and may be called from any number of threads. Precedence: exact host, one-label wildcard,
// any host; a host that matches but has no matching path falls through to the next (so a default
// backend works); inside a host: exact path, then longest prefix, element-wise before raw at equal
// length. Hosts that pass through (Route::passthrough) are a table of their own: match() does not
// know them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/config.hpp"
#include "dataplane/routing/route_policy.hpp"

namespace evergate::routing {

// Dense number of a backend name, given by the caller and stable for the life of the process.
using BackendId = std::uint32_t;

// What a match gives. Lives as long as its table. Strings are resolved here, once, for logs and
// metrics.
struct Target {
    std::string route;  // key name
    std::string origin;
    std::string backend;  // key name
    BackendId backendId = 0;
    std::uint32_t statsIndex = 0;               // of the per-worker route counters
    std::unique_ptr<const RoutePolicy> policy;  // null: requests pass as they are
};

// Normalises a path for matching: percent-decodes unreserved characters, merges slashes, resolves
// dot segments. Returns `path` itself when there is nothing to do, else a view into `scratch`; an
// empty view when the path is invalid: a bad escape, NUL, ".." above the root or next to an encoded
// slash. An encoded slash is no separator; "*" stays. Never changes what is forwarded.
std::string_view normalizePath(std::string_view path, std::string& scratch);

class RoutingTable {
public:
    RoutingTable();
    ~RoutingTable();
    RoutingTable(RoutingTable&&) noexcept;
    RoutingTable& operator=(RoutingTable&&) noexcept;

    // Index of a listener by key name, for match(); -1 when no route names it.
    int listenerIndex(std::string_view listener) const noexcept;

    // `host` without port, any case, trailing dot allowed; `path` normalised. Null: no route.
    const Target* match(int listenerIndex, std::string_view host,
                        std::string_view path) const noexcept;

    // Whether TLS connections to some hosts of a listener go to their endpoints as they are.
    bool passesThrough(int listenerIndex) const noexcept;

    // Where those that ask for `host` (SNI) go: its exact name decides, then the one-label
    // wildcard, as with certificates; so a host with routes of its own is not taken by a wildcard.
    // Null: not through.
    const Target* passthrough(int listenerIndex, std::string_view host) const noexcept;

    const std::vector<std::unique_ptr<Target>>& targets() const noexcept;

private:
    friend class Compiler;
    friend struct Explanation explain(const RoutingTable& table, std::string_view listener,
                                      std::string_view host, std::string_view path);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Gives the dense id of a backend name, creating one when new, and the place of a route.
class BackendIds {
public:
    virtual ~BackendIds() = default;
    virtual BackendId idOf(const std::string& name) = 0;

    // Where a route's requests are counted; `place`: how many routes came before it.
    virtual std::uint32_t statsIndexOf(const std::string& /*route*/, std::uint32_t place) {
        return place;
    }
};

// Compiles the routes of a validated and cross-checked configuration.
RoutingTable compile(const model::Config& config, BackendIds& ids);

}  // namespace evergate::routing
