// SPDX-License-Identifier: Apache-2.0
// How deep a JSON text nests, found out before it is parsed. Pure; any bytes are good input.
#pragma once

#include <cstddef>
#include <string_view>

namespace evergate::model {

// nlohmann parses any depth without recursion but copies, writes and frees with it: deep input
// would take the stack. Brackets inside strings do not count.
bool nestsDeeperThan(std::string_view json, std::size_t maxDepth) noexcept;

}  // namespace evergate::model
