// SPDX-License-Identifier: Apache-2.0
// YAML text -> JSON documents, strictly and within bounds. Pure; nothing throws out of here.
//
// Scalars are typed by the YAML 1.2 core schema: what is quoted stays a string. Refused with the
// line: duplicate keys, merge keys, keys that are not scalars, tags outside the schema, numbers
// JSON cannot hold, text that is not UTF-8, aliases that grow past the bounds.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace evergate::controller::directory {

inline constexpr std::size_t kMaxYamlDepth = 64;
inline constexpr std::size_t kMaxYamlNodes = 1'000'000;  // aliases count as what they stand for

struct YamlDocument {
    nlohmann::json value;
    int line = 1;                // of its first node
    std::vector<int> itemLines;  // of the elements of a top-level "items"
};

struct SyntaxProblem {
    int line = 0;
    std::string what;

    friend bool operator==(const SyntaxProblem&, const SyntaxProblem&) = default;
};

std::variant<std::vector<YamlDocument>, SyntaxProblem> readYaml(std::string_view text);

}  // namespace evergate::controller::directory
