// SPDX-License-Identifier: Apache-2.0
// EndpointSlices of one Service port -> endpoints of one Backend. Pure.
#pragma once

#include "common/model/values.hpp"
#include "controller/objects/object_store.hpp"
#include "controller/translate/backend_reference.hpp"
#include "controller/translate/problem_list.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

// Ready, not terminating, over all slices, both address families; sorted, each once. Empty when the
// Service or its port is missing. `problems` may be null.
model::Endpoints endpointsOf(const ObjectStore& store, const TranslateOptions& options,
                             const BackendReference& reference, ProblemList* problems);

}  // namespace evergate::controller
