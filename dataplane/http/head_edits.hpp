// SPDX-License-Identifier: Apache-2.0
// Which fields the edits of a route leave out. For those who compose heads only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/compose.hpp"
#include "dataplane/http/head_writer.hpp"
#include "dataplane/http/header_names.hpp"

namespace evergate::http {

inline bool drops(const HeadEdits& edits, std::string_view name) noexcept {
    if (edits.dropIdentity && isClientIdentity(name)) [[unlikely]]
        return true;
    return edits.drop != nullptr &&
           std::any_of(edits.drop->begin(), edits.drop->end(), [name](const std::string& dropped) {
               return equalsIgnoreCase(name, dropped);
           });
}

// As a set of the names we know: what we would write ourselves.
inline std::uint64_t droppedNames(const HeadEdits& edits) noexcept {
    std::uint64_t names = 0;
    if (edits.drop != nullptr) {
        for (const std::string& name : *edits.drop) {
            names |= nameSet(headerNameOf(name));
        }
    }
    return names;
}

}  // namespace evergate::http
