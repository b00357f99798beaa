// SPDX-License-Identifier: Apache-2.0
// Annotations of other ingress controllers on objects that we serve: nobody reads them here, and
// somebody may rely on them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "controller/objects/objects.hpp"
#include "controller/translate/problem_list.hpp"

namespace evergate::controller {

// One problem that names all of `metadata`, those that keep somebody out first, and which of ours
// do the same; none for one whose counterpart stands beside it.
void noteForeignAnnotations(const ObjectKey& object, const Metadata& metadata,
                            ProblemList& problems);

// Which of ours do what ingress-nginx calls `name` (without its prefix): "evergate.io/a and
// evergate.io/b"; empty: none.
std::string counterpartsOf(std::string_view name);

}  // namespace evergate::controller
