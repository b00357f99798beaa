// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/path_rewrite.hpp"

#include <algorithm>

namespace evergate::routing {

namespace {

std::string_view withoutTrailingSlash(std::string_view path) noexcept {
    while (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    return path;
}

std::string_view skipElement(std::string_view path) noexcept {
    const std::size_t begin = std::min(path.find_first_not_of('/'), path.size());
    return path.substr(std::min(path.find('/', begin), path.size()));
}

// Empty ones do not count.
std::size_t countElements(std::string_view path) noexcept {
    std::size_t count = 0;
    while (path.find_first_not_of('/') != std::string_view::npos) {
        path = skipElement(path);
        ++count;
    }
    return count;
}

}  // namespace

PathRewrite::PathRewrite(model::PathType type, std::string_view path, std::string_view replacement)
    : type_(type),
      prefix_(withoutTrailingSlash(path)),
      replacement_(replacement),
      elements_(countElements(path)) {}

std::string_view PathRewrite::rest(std::string_view path, std::string_view normal) const noexcept {
    if (type_ == model::PathType::exact) {
        return {};
    }
    if (path.data() == normal.data()) {  // nothing was normalised
        return path.substr(prefix_.size());
    }
    const bool atElement = normal.size() == prefix_.size() || normal[prefix_.size()] == '/';
    // Equal counts: no dot segment was resolved, so the elements correspond one to one.
    if (!atElement || countElements(path) != countElements(normal)) {
        return normal.substr(prefix_.size());
    }
    for (std::size_t i = 0; i < elements_; ++i) {
        path = skipElement(path);
    }
    return path;
}

void PathRewrite::apply(std::string_view path, std::string_view normal, std::string& out) const {
    if (!normal.starts_with('/')) {  // "*"
        out = path;
        return;
    }
    std::string_view behind = rest(path, normal);
    while (behind.starts_with("//")) {
        behind.remove_prefix(1);
    }
    out = behind.starts_with('/') ? withoutTrailingSlash(replacement_)
                                  : std::string_view(replacement_);
    out += behind;
}

}  // namespace evergate::routing
