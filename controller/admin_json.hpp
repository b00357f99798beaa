// SPDX-License-Identifier: Apache-2.0
// What the controller's admin API answers, as JSON text; docs/rpc.md has the shapes. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/publish/publisher.hpp"
#include "controller/source.hpp"
#include "controller/writeback/writeback.hpp"

namespace evergate::controller {

// `kind` as in a key, or "" for all; nothing when there is no such kind.
std::optional<std::string> configJson(const PublishedState& state, std::string_view kind);
std::string sourceJson(const SourceStatus& status, bool braking);
std::string dataplanesJson(const Publisher& publisher);
std::string revisionsJson(const Publisher& publisher);
// The answer when nothing is written into a cluster: status is null.
std::string leaderJson(const writeback::LeaderStatus* status);
std::string problemsJson(const std::vector<ObjectProblem>& problems);

}  // namespace evergate::controller
