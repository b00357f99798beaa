// SPDX-License-Identifier: Apache-2.0
// The base64 of `data` in a Secret (RFC 4648 §4). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller {

// The bytes, or nothing: padding is required, bits that say nothing are zero. Line ends do not
// count, as in the API server: a block of YAML has them.
std::optional<std::string> decodeBase64(std::string_view text);

}  // namespace evergate::controller
