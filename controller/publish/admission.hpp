// SPDX-License-Identifier: Apache-2.0
// What may be published: takes out values that no data plane would accept, and what depends on
// them. One bad value costs itself and its dependants, never the rest. Pure.
#pragma once

#include <vector>

#include "common/model/config.hpp"
#include "common/model/validation.hpp"

namespace evergate::controller {

// Problems of one value: makes no sense, does not decode, or does not fit a message.
std::vector<model::Problem> admissionProblems(const model::Key& key, const model::Value& value);

// Erases from `next` what must not go out and says why. Values equal to those in `known` (published
// before) are not looked at again one by one.
std::vector<model::KeyedProblem> admit(model::Config& next, const model::Config& known);

}  // namespace evergate::controller
