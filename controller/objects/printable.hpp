// SPDX-License-Identifier: Apache-2.0
// Outside text made fit for a problem, a log line or a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace evergate::controller {

// At most `most` bytes of printable ASCII; everything else becomes '?', a cut ends in "...".
std::string printable(std::string_view text, std::size_t most = 80);

}  // namespace evergate::controller
