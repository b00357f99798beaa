// SPDX-License-Identifier: Apache-2.0
// Gathers the problems of one translation, or nothing when nobody asks. Not thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controller/source.hpp"

namespace evergate::controller {

class ProblemList {
public:
    void add(std::string object, std::string where, std::string what) {
        problems_.push_back({std::move(object), std::move(where), std::move(what)});
    }

    // Sorted, each once: several backends of one Service find the same fault in a slice.
    std::vector<ObjectProblem> take() {
        std::sort(problems_.begin(), problems_.end());
        problems_.erase(std::unique(problems_.begin(), problems_.end()), problems_.end());
        return std::move(problems_);
    }

private:
    std::vector<ObjectProblem> problems_;
};

}  // namespace evergate::controller
