// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/admission.hpp"

#include <utility>

#include "common/model/json.hpp"
#include "common/rpc/limits.hpp"
#include "controller/publish/key_change.hpp"

namespace evergate::controller {

namespace {

std::vector<model::KeyedProblem> checkValues(const model::Config& next,
                                             const model::Config& known) {
    std::vector<model::KeyedProblem> problems;
    for (const auto& [key, entry] : next.entries()) {
        if (contentOf(known, key) == Content{entry.hash}) {
            continue;
        }
        for (model::Problem& problem : admissionProblems(key, *entry.value)) {
            problems.push_back({key, std::move(problem)});
        }
    }
    return problems;
}

bool eraseAll(model::Config& config, const std::vector<model::KeyedProblem>& problems) {
    bool erased = false;
    for (const model::KeyedProblem& entry : problems) {
        erased |= config.erase(entry.key);
    }
    return erased;
}

}  // namespace

std::vector<model::Problem> admissionProblems(const model::Key& key, const model::Value& value) {
    std::vector<model::Problem> problems = model::validate(key, value);
    if (!problems.empty()) {
        return problems;
    }
    // The data plane's own decoder has the last word on text and bounds.
    const std::string name = model::encodeKey(key);
    const std::string encoded = model::encode(value);
    if (name.size() > model::kMaxKeyBytes) {
        problems.push_back({name.substr(0, 64), "the name is too long"});
    } else if (encoded.size() > rpc::kMaxValueBytes) {
        problems.push_back({name, "too large to be sent"});
    } else if (auto key2 = model::decodeKey(name); auto* bad = std::get_if<model::Problem>(&key2)) {
        problems.push_back(std::move(*bad));
    } else if (auto value2 = model::decode(key.kind, encoded);
               auto* wrong = std::get_if<model::Problem>(&value2)) {
        problems.push_back(std::move(*wrong));
    }
    return problems;
}

std::vector<model::KeyedProblem> admit(model::Config& next, const model::Config& known) {
    std::vector<model::KeyedProblem> problems = checkValues(next, known);
    eraseAll(next, problems);
    for (;;) {
        const std::vector<model::KeyedProblem> more = model::crossCheck(next);
        problems.insert(problems.end(), more.begin(), more.end());
        if (!eraseAll(next, more)) {
            return problems;  // nothing wrong, or nothing left to take out
        }
    }
}

}  // namespace evergate::controller
