// SPDX-License-Identifier: Apache-2.0
// The backends of one translation: every Service port somebody refers to, with its policy and
// endpoints. Pure; borrows the store and options.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/model/config.hpp"
#include "controller/objects/object_store.hpp"
#include "controller/translate/annotations.hpp"
#include "controller/translate/backend_reference.hpp"
#include "controller/translate/problem_list.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

class BackendTable {
public:
    BackendTable(const ObjectStore& store, const TranslateOptions& options, ProblemList& problems)
        : store_(store), options_(options), problems_(problems) {}

    // The backends of an Ingress, in order of precedence. Notes references that lead nowhere; such
    // a backend exists all the same, without endpoints, and answers 503.
    void addIngress(const Ingress& ingress);
    void add(const BackendReference& reference);
    void emit(model::Config& config) const;

private:
    struct Use {
        BackendReference reference;
        std::optional<LoadBalance> balance;  // as the first Ingress with an opinion wants it
        std::string balanceFrom;
    };

    void checkTarget(const ObjectKey& from, const std::string& where,
                     const BackendReference& reference);
    void applyBalance(const ObjectKey& from, const LoadBalance& balance, Use& use);
    model::Backend backendOf(const Use& use) const;

    const ObjectStore& store_;
    const TranslateOptions& options_;
    ProblemList& problems_;
    std::map<std::string, Use> uses_;
};

}  // namespace evergate::controller
