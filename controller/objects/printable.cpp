// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/printable.hpp"

#include <algorithm>

namespace evergate::controller {

std::string printable(std::string_view text, std::size_t most) {
    std::string clean(text.substr(0, most));
    std::replace_if(
        clean.begin(), clean.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > most ? clean + "..." : clean;
}

}  // namespace evergate::controller
