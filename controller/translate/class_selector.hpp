// SPDX-License-Identifier: Apache-2.0
// Which Ingresses are ours: spec.ingressClassName, else the old annotation, else the default class.
// Pure; borrows the store, so it lives no longer than one translation.
#pragma once

#include <set>
#include <string>

#include "controller/objects/object_store.hpp"
#include "controller/translate/problem_list.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

class ClassSelector {
public:
    ClassSelector(const ObjectStore& store, const TranslateOptions& options);

    bool selects(const Ingress& ingress) const;
    // Says why an Ingress that names our class is not served.
    void explain(const Ingress& ingress, ProblemList& problems) const;

private:
    const ObjectStore& store_;
    const TranslateOptions& options_;
    std::set<std::string> ours_;
    bool weAreDefault_ = false;
};

}  // namespace evergate::controller
