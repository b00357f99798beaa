// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotations.hpp"

#include <algorithm>

#include "controller/translate/foreign_annotations.hpp"

namespace evergate::controller {
namespace {

bool mayStandOn(const AnnotationRow& row, ResourceKind kind) noexcept {
    const bool service = kind == ResourceKind::service;
    return row.scope == AnnotationScope::both || (row.scope == AnnotationScope::service) == service;
}

// A number, a duration, a word. Nothing else is shown: a value may hold a secret, as headers do.
bool isPlainWord(std::string_view value) {
    constexpr std::size_t kLongest = 32;
    return !value.empty() && value.size() <= kLongest &&
           std::all_of(value.begin(), value.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-+.,%_/").find(c) != std::string_view::npos;
           });
}

void reportWrong(const ObjectKey& object, const GivenAnnotation& given, Complaint complaint,
                 ProblemList& problems) {
    const AnnotationRow& row = *given.row;
    if (complaint.starts_with("must be") && isPlainWord(given.value)) {
        complaint.append(", not \"").append(given.value).append("\"");
    }
    complaint.append("; ").append(row.closed.empty() ? "ignored" : row.closed);
    problems.add(toText(object), annotationPath(row.name), std::move(complaint));
}

}  // namespace

GivenAnnotations readAnnotations(const ObjectKey& object, const Metadata& metadata,
                                 ProblemList& problems) {
    GivenAnnotations given;
    if (object.kind == ResourceKind::ingress) {
        noteForeignAnnotations(object, metadata, problems);
    }
    for (const auto& [key, value] : metadata.annotations) {
        if (!key.starts_with(annotation::kPrefix)) {
            continue;
        }
        const AnnotationRow* row = findAnnotation(key);
        if (row == nullptr) {
            problems.add(toText(object), annotationPath(key),
                         "is not an annotation of Evergate; ignored");
            continue;
        }
        if (!mayStandOn(*row, object.kind)) {
            problems.add(toText(object), annotationPath(key),
                         row->scope == AnnotationScope::service ? "belongs on a Service; ignored"
                                                                : "belongs on an Ingress; ignored");
            continue;
        }
        Complaint complaint = check(*row, value);
        const bool good = complaint.empty();
        if (!good) {
            reportWrong(object, {row, value}, std::move(complaint), problems);
        }
        if (good || !row->closed.empty()) {
            given.push_back({row, value});
        }
    }
    return given;
}

bool contains(const GivenAnnotations& given, const AnnotationRow& row) noexcept {
    return std::any_of(given.begin(), given.end(),
                       [&](const GivenAnnotation& each) { return each.row == &row; });
}

void applyToRoute(const GivenAnnotations& given, const GivenAnnotations& stronger,
                  RouteClaim& claim) {
    for (const GivenAnnotation& each : given) {
        if (each.row->route != nullptr && !contains(stronger, *each.row)) {
            each.row->route(each.value, claim);
        }
    }
}

ServiceAnnotations::ServiceAnnotations(const ObjectStore& store, ProblemList& problems) {
    for (const auto& [id, service] : store.services()) {
        if (service.metadata.annotations.empty()) {
            continue;
        }
        auto given = readAnnotations({ResourceKind::service, id}, service.metadata, problems);
        if (!given.empty()) {
            given_.emplace_hint(given_.end(), id, std::move(given));
        }
    }
}

const GivenAnnotations& ServiceAnnotations::of(const ObjectName& service) const {
    static const GivenAnnotations kNone;
    const auto it = given_.find(service);
    return it == given_.end() ? kNone : it->second;
}

std::string annotationPath(std::string_view key) {
    return "metadata.annotations[\"" + std::string(key) + "\"]";
}

}  // namespace evergate::controller
