// SPDX-License-Identifier: Apache-2.0
// Where text stops being UTF-8, and on which line that is. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace evergate::controller::directory {

// Offset of the first byte that is not part of a well-formed sequence, or that is NUL.
std::optional<std::size_t> findInvalidUtf8(std::string_view text) noexcept;

// The line, from 1, that the byte at `offset` is on.
int lineAt(std::string_view text, std::size_t offset) noexcept;

}  // namespace evergate::controller::directory
