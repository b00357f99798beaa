// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/cookie.hpp"

#include <algorithm>

#include "dataplane/http/character_classes.hpp"

namespace evergate::http {

std::string_view findCookie(std::string_view header, std::string_view name) noexcept {
    while (!header.empty()) {
        const std::size_t end = std::min(header.find(';'), header.size());
        const std::string_view pair = trimOws(header.substr(0, end));
        if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name)) {
            return pair.substr(name.size() + 1);
        }
        header.remove_prefix(std::min(end + 1, header.size()));
    }
    return {};
}

}  // namespace evergate::http
