// SPDX-License-Identifier: Apache-2.0
// Where validate() finds something wrong with one value.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/model/validation.hpp"

namespace evergate::model {

// The places of all problems, without the key in front.
inline std::vector<std::string> places(Kind kind, const Value& value) {
    const Key key{kind, kind == Kind::settings ? "global" : "x"};
    std::vector<std::string> result;
    for (const Problem& problem : validate(key, value)) {
        EXPECT_TRUE(problem.where.starts_with(toText(key)));
        EXPECT_FALSE(problem.what.empty());
        result.push_back(problem.where.substr(toText(key).size()));
    }
    return result;
}

}  // namespace evergate::model
