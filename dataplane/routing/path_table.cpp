// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/path_table.hpp"

#include <functional>
#include <map>

namespace evergate::routing {

void PathTable::add(model::PathType type, std::string_view path, const Target* target) {
    if (type == model::PathType::exact) {
        exact_.try_emplace(std::string(path), PathRule{type, std::string(path), target});
        return;
    }
    const bool element = type == model::PathType::prefix;
    while (element && path.size() > 1 && path.back() == '/') {
        path.remove_suffix(1);
    }
    Prefixes& prefixes = path == "/" ? root_ : prefixes_[std::string(path)];
    std::unique_ptr<const PathRule>& rule = element ? prefixes.element : prefixes.raw;
    if (rule == nullptr) {
        rule = std::make_unique<const PathRule>(PathRule{type, std::string(path), target});
    }
}

void PathTable::finish() {
    std::map<std::size_t, bool, std::greater<>> lengths;
    for (const auto& [path, prefixes] : prefixes_) {
        lengths[path.size()] |= prefixes.raw != nullptr;
    }
    lengths_.clear();
    for (const auto& [size, anywhere] : lengths) {
        lengths_.push_back({size, anywhere});
    }
}

const PathRule* PathTable::match(std::string_view path) const noexcept {
    if (!exact_.empty()) {
        if (const auto it = exact_.find(path); it != exact_.end()) {
            return &it->second;
        }
    }
    for (const Length& length : lengths_) {
        if (length.size > path.size()) {
            continue;
        }
        const bool boundary = length.size == path.size() || path[length.size] == '/';
        if (!boundary && !length.anywhere) {
            continue;
        }
        const auto it = prefixes_.find(path.substr(0, length.size));
        if (it == prefixes_.end()) {
            continue;
        }
        if (boundary && it->second.element != nullptr) {
            return it->second.element.get();
        }
        if (it->second.raw != nullptr) {
            return it->second.raw.get();
        }
    }
    return root_.element != nullptr ? root_.element.get() : root_.raw.get();
}

}  // namespace evergate::routing
