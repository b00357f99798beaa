// SPDX-License-Identifier: Apache-2.0
// What a route does to its requests besides choosing a backend, ready to be used: built once per
// snapshot, immutable, shared by all workers. A route that does nothing has none (null).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/routing/path_rewrite.hpp"
#include "dataplane/routing/source_networks.hpp"

namespace evergate::routing {

// Changes to a head. Fields that frame a message are never in here.
struct HeaderEdits {
    std::vector<std::string> drop;  // lower case: those to remove and those that are set
    std::string add;                // "name: value\r\n" of each that is set

    bool empty() const noexcept { return drop.empty(); }
};

// Codings for responses; what they are is up to dataplane/http.
struct Compression {
    std::vector<std::string> codings;   // best first, at least one
    std::vector<std::string> ownTypes;  // lower case: "text/html", "text/*"; empty: the usual ones
    std::uint64_t minBytes = 0;

    const std::vector<std::string>& types() const;
};

struct RoutePolicy {
    std::optional<SourceNetworks> sources;  // none: everybody is served
    bool redirectToHttps = false;           // from listeners without TLS
    std::uint16_t redirectPort = 443;
    std::uint64_t maxBodyBytes = 0;  // 0: no limit
    std::optional<PathRewrite> rewrite;
    HeaderEdits request;
    HeaderEdits response;
    std::optional<Compression> compression;
    bool needsVerifiedClient = false;  // others get 421
    bool tellsClient = false;          // X-SSL-Client-... of its certificate
    bool grpcWeb = false;              // its requests become those of gRPC
};

// `path`: the route's, normalised. Null when the route asks for nothing.
std::unique_ptr<const RoutePolicy> compilePolicy(const model::Route& route, std::string_view path);

// Whom a tcp listener serves; null: everybody.
std::shared_ptr<const SourceNetworks> sourcesOf(const model::Listener& listener);

// Null when there are none.
std::shared_ptr<const SourceNetworks> networksOf(const std::vector<std::string>& networks);

}  // namespace evergate::routing
