// SPDX-License-Identifier: Apache-2.0
// One field of a header block, as the encoder takes it.
#pragma once

#include <string_view>

namespace evergate::hpack {

struct Field {
    std::string_view name;  // may have upper-case letters: written in lower case (RFC 9113 §8.2.1)
    std::string_view value;
    bool indexable = true;  // false: does not enter the dynamic table (RFC 7541 §6.2.2)
};

}  // namespace evergate::hpack
