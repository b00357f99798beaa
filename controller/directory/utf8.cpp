// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/utf8.hpp"

#include <algorithm>

#include "common/model/utf8.hpp"

namespace evergate::controller::directory {

std::optional<std::size_t> findInvalidUtf8(std::string_view text) noexcept {
    std::size_t offset = 0;
    while (offset < text.size()) {
        const std::size_t length = model::utf8SequenceLength(text.substr(offset));
        if (length == 0 || text[offset] == '\0') {
            return offset;
        }
        offset += length;
    }
    return std::nullopt;
}

int lineAt(std::string_view text, std::size_t offset) noexcept {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
}

}  // namespace evergate::controller::directory
