// SPDX-License-Identifier: Apache-2.0
// The JSON answers of the admin API: plain facts in, text out. docs/api.md describes every shape.
//
// Pure. What is listed here is all that is ever shown: there is nothing secret in these kinds of
// values, and a new kind is not shown until somebody writes it down here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/config.hpp"
#include "dataplane/control/explain.hpp"
#include "dataplane/control/granted_limits.hpp"
#include "dataplane/control/revision_history.hpp"
#include "dataplane/control/serving_limits.hpp"
#include "dataplane/worker/worker_stats.hpp"

namespace evergate::dataplane {

struct StatusFacts {
    std::uint64_t version = 0;
    std::string rootHash;
    std::uint64_t endpointsVersion = 0;
    std::string endpointsRootHash;
    std::size_t workers = 0;
    bool connected = false;
    bool stale = false;                       // serving, but cut off from the controller
    std::optional<std::uint64_t> ageSeconds;  // since the controller was last heard
    bool restored = false;                    // it started from the last known good on disk
    std::string lastError;                    // why we are not connected; may be empty
    bool ready = false;
    std::string reason;  // why not ready; empty when ready
    bool draining = false;
    std::uint64_t uptimeSeconds = 0;
    std::string build;
    std::string nodeId;
    std::size_t listeners = 0;
    std::size_t routes = 0;
    std::size_t backends = 0;
    session::Counters counters;
    GrantedLimits limits;
    ServingLimits serving;
    worker::LimitUse use;
};

struct BackendQuery {
    std::string filter;                // part of a backend's name; empty: all
    std::optional<std::size_t> limit;  // none: all
};

std::string statusJson(const StatusFacts& facts);
// `config`: everything but Endpoints, which `endpoints` has. Null: nothing applied yet.
std::string configJson(const model::Config* config, const model::Config& endpoints,
                       std::uint64_t version, std::optional<model::Kind> kind);
std::string routesJson(const model::Config* config);
std::string listenersJson(const routing::Snapshot* snapshot,
                          const std::vector<worker::WorkerStats>& workers);
// The backends of `snapshot` that `query` asks for. Endpoints come from the workers; a backend they
// do not know (yet) has none.
std::string backendsJson(const routing::Snapshot* snapshot, const BackendQuery& query,
                         const std::vector<worker::BackendStats>& stats);
std::vector<routing::BackendId> selectBackends(const routing::Snapshot* snapshot,
                                               const BackendQuery& query);
std::string connectionsJson(const std::vector<worker::ConnectionInfo>& connections);
std::string revisionsJson(const RevisionHistory& history);
std::string explainJson(const Explanation& explanation,
                        const std::vector<worker::BackendStats>& stats);

}  // namespace evergate::dataplane
