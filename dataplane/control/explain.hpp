// SPDX-License-Identifier: Apache-2.0
// Says in plain words where a request would go and why: `evergatectl explain`.
//
// The answer comes from the matcher of the given snapshot, the very one that serves traffic; here
// the URL is taken apart, the listener chosen and the result put in words. What only the workers
// know, which endpoints are left, is added afterwards. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dataplane/routing/snapshot.hpp"
#include "dataplane/worker/worker_stats.hpp"

namespace evergate::dataplane {

struct ExplainRequest {
    std::string method = "GET";
    std::string url;       // "http://shop.example/cart?x=1", "shop.example/cart" or "/cart"
    std::string listener;  // empty: chosen by the URL's port
    std::vector<std::pair<std::string, std::string>> headers;
};

struct Explanation {
    std::string listener;
    std::string host;
    std::string path;   // normalised, as matched
    std::string route;  // empty: none
    std::string origin;
    std::string backend;  // empty: none
    std::optional<routing::BackendId> backendId;
    int status = 0;  // what we would answer ourselves; 0: the backend answers
    std::vector<std::string> steps;
};

struct UrlParts {
    std::string host;        // lower case, without port and brackets; empty when absent
    std::uint16_t port = 0;  // 0: none given
    std::string path;        // "/" when absent; no query, no fragment
    bool tls = false;        // https
};

// Nothing when it is no http URL.
std::optional<UrlParts> splitUrl(std::string_view url);

// The explanation, or one sentence about what is wrong with the question.
std::variant<Explanation, std::string> explain(const routing::Snapshot& snapshot,
                                               const ExplainRequest& request);

// Adds a step, and status 503, when no endpoint of its backend takes new requests; a step when all
// that do are out and are tried all the same. `backends`: those the workers know.
void explainEndpoints(const std::vector<worker::BackendStats>& backends, Explanation& answer);

}  // namespace evergate::dataplane
