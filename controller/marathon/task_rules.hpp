// SPDX-License-Identifier: Apache-2.0
// Which tasks take traffic, and where. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/values.hpp"
#include "controller/marathon/marathon_app.hpp"
#include "controller/translate/problem_list.hpp"

namespace evergate::controller::marathon {

// RUNNING, and UNREACHABLE and LOST, which say that nobody knows; and no state, from old Marathons.
bool isServingState(std::string_view state) noexcept;

// The task is ending or has ended: it never serves again.
bool isEndingState(std::string_view state) noexcept;

// It will serve, if all goes well: nothing to do yet.
bool isPreparingState(std::string_view state) noexcept;

// The address of an agent's name, in canonical form; empty: not known (yet).
using HostLookup = std::function<std::string(const std::string& host)>;

// The endpoints of one service port over all tasks of the app, which have been admitted already.
// Sorted, each once. `problems` may be null.
model::Endpoints endpointsOf(const App& app, const ServicePort& port, const HostLookup& lookup,
                             ProblemList* problems);

}  // namespace evergate::controller::marathon
