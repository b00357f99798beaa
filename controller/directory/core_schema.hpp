// SPDX-License-Identifier: Apache-2.0
// The YAML 1.2 core schema: what a scalar without quotes means. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace evergate::controller::directory {

// The value of a plain scalar; nothing when it is a number JSON cannot hold (.inf, .nan, too
// large).
std::optional<nlohmann::json> resolvePlain(const std::string& text);

// The value of a scalar with a tag as the parser gives it: "?" plain, "!" quoted, or explicit.
// Nothing when the tag is not of the core schema or the text is not of the tag's type.
std::optional<nlohmann::json> resolveTagged(const std::string& tag, const std::string& text);

}  // namespace evergate::controller::directory
