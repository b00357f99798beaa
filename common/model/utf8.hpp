// SPDX-License-Identifier: Apache-2.0
// The one place that knows what well-formed UTF-8 is (the table of RFC 3629). Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace evergate::model {

// Length in bytes of the well-formed sequence `text` begins with, 0 when it begins with none.
// Requires !text.empty(). Overlong forms, surrogates and what lies beyond U+10FFFF are malformed.
std::size_t utf8SequenceLength(std::string_view text) noexcept;

}  // namespace evergate::model
