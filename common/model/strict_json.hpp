// SPDX-License-Identifier: Apache-2.0
// JSON text -> document, for text from outside: a repeated field, an over-long string, too deep
// nesting or anything after the document is a Problem. Private to the codec; nothing throws out of
// here.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>
#include <variant>

#include "common/model/values.hpp"

namespace evergate::model {

struct JsonLimits {
    std::size_t maxDepth;
    std::size_t maxStringBytes;
};

std::variant<nlohmann::json, Problem> parseStrict(std::string_view text, JsonLimits limits);

}  // namespace evergate::model
