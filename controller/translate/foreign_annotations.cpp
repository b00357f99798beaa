// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/foreign_annotations.hpp"

#include <algorithm>
#include <vector>

#include "controller/objects/printable.hpp"
#include "controller/translate/annotation_table.hpp"

namespace evergate::controller {
namespace {

constexpr std::size_t kNamesInProblem = 8;
constexpr std::size_t kLongestName = 100;

std::string_view bareName(std::string_view key) {
    return key.substr(key.find('/') + 1);
}

// The table has the names in backticks. What it has from the ConfigMap is no annotation.
bool isCounterpart(const AnnotationRow& row, std::string_view name) {
    const std::string quoted = '`' + std::string(name) + '`';
    return !row.nginx.starts_with("the ConfigMap") &&
           row.nginx.find(quoted) != std::string_view::npos;
}

template <typename Found>
void eachCounterpart(std::string_view name, Found&& found) {
    for (const auto rows : annotationGroups()) {
        for (const AnnotationRow& row : rows) {
            if (isCounterpart(row, name)) {
                found(row);
            }
        }
    }
}

bool isTakenCareOf(std::string_view name, const Metadata& metadata) {
    bool taken = false;
    eachCounterpart(name, [&](const AnnotationRow& row) {
        taken = taken || metadata.annotation(row.name) != nullptr;
    });
    return taken;
}

// auth-url, whitelist-source-range, deny-list, client-cert-..., satisfy
bool keepsSomebodyOut(std::string_view name) {
    constexpr std::string_view kWords[] = {"auth", "list", "source-range", "cert", "satisfy"};
    return std::any_of(std::begin(kWords), std::end(kWords), [&](std::string_view word) {
        return name.find(word) != std::string_view::npos;
    });
}

std::vector<std::string_view> unreadOf(const Metadata& metadata) {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : metadata.annotations) {
        if (isForeignAnnotation(key) && !isTakenCareOf(bareName(key), metadata)) {
            keys.push_back(key);
        }
    }
    std::stable_partition(keys.begin(), keys.end(),
                          [](std::string_view key) { return keepsSomebodyOut(bareName(key)); });
    return keys;
}

}  // namespace

std::string counterpartsOf(std::string_view name) {
    std::string text;
    eachCounterpart(name, [&](const AnnotationRow& row) {
        text.append(text.empty() ? "" : " and ").append(row.name);
    });
    return text;
}

void noteForeignAnnotations(const ObjectKey& object, const Metadata& metadata,
                            ProblemList& problems) {
    const std::vector<std::string_view> keys = unreadOf(metadata);
    if (keys.empty()) {
        return;
    }
    std::string what = "not read by Evergate: ";
    const std::size_t shown = std::min(keys.size(), kNamesInProblem);
    for (std::size_t i = 0; i < shown; ++i) {
        what.append(i == 0 ? "" : ", ").append(printable(keys[i], kLongestName));
        const std::string ours = counterpartsOf(bareName(keys[i]));
        if (!ours.empty()) {
            const bool one = ours.find(' ') == std::string::npos;
            what.append(" (").append(ours).append(one ? " does this)" : " do this)");
        }
    }
    if (shown < keys.size()) {
        what.append(" and " + std::to_string(keys.size() - shown) + " more");
    }
    problems.add(toText(object), "metadata.annotations",
                 std::move(what.append("; what they ask for does not happen")));
}

}  // namespace evergate::controller
