// SPDX-License-Identifier: Apache-2.0
// The answers of the admin APIs as tables. Tolerant: a field that is missing shows as "-", so that
// this program and a data plane need not be of the same version.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <string_view>

namespace evergate::ctl {

// Every scalar of an object, one level deep.
void printFacts(std::string_view title, const nlohmann::json& answer, std::ostream& out);
void printStatus(const nlohmann::json& answer, std::ostream& out);
// Nothing of a controller that writes nothing back.
void printLeader(const nlohmann::json& answer, std::ostream& out);
// `filter`: part of host, path, backend, or origin.
void printRoutes(const nlohmann::json& answer, std::string_view filter, std::ostream& out);
void printBackends(const nlohmann::json& answer, std::ostream& out);
void printListeners(const nlohmann::json& answer, std::ostream& out);
void printRevisions(const nlohmann::json& answer, std::ostream& out);
void printProblems(const nlohmann::json& answer, std::ostream& out);
void printDataplanes(const nlohmann::json& answer, std::ostream& out);
void printExplanation(const nlohmann::json& answer, std::ostream& out);

bool saysProblems(const nlohmann::json& problems);
bool saysReady(const nlohmann::json& status);
// Whether some backend would get the request.
bool saysRouted(const nlohmann::json& explanation);

}  // namespace evergate::ctl
