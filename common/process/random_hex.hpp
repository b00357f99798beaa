// SPDX-License-Identifier: Apache-2.0
// Names that tell one start of a program from every other. Not a secret.
#pragma once

#include <string>

namespace evergate::process {

// Eight hexadecimal digits for each of `words`.
std::string randomHex(int words);

}  // namespace evergate::process
