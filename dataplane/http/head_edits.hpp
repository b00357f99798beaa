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

// `names` are in lower case.
inline bool isAmong(const std::vector<std::string>& names, std::string_view name) noexcept {
    return std::any_of(names.begin(), names.end(),
                       [name](const std::string& one) { return equalsIgnoreCase(name, one); });
}

inline bool drops(const HeadEdits& edits, std::string_view name) noexcept {
    if (edits.dropIdentity && isClientIdentity(name)) [[unlikely]]
        return true;
    return edits.drop != nullptr && isAmong(*edits.drop, name);
}

// What is left of a trailer section, "name: value\r\n" per field.
inline std::string withoutFields(std::string_view section, const std::vector<std::string>& names) {
    std::string kept;
    while (!section.empty()) {
        const std::string_view line = section.substr(0, section.find('\n') + 1);
        if (!isAmong(names, line.substr(0, line.find(':'))))
            kept += line;
        section.remove_prefix(line.size());
    }
    return kept;
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
