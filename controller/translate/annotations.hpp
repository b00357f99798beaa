// SPDX-License-Identifier: Apache-2.0
// The evergate.io/* annotations that objects have, and how they become policy. Pure.
//
// What is wrong costs that annotation only, but for access control and trust, which stay closed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/objects/object_store.hpp"
#include "controller/translate/annotation_table.hpp"
#include "controller/translate/problem_list.hpp"

namespace evergate::controller {

// An annotation that counts. Borrows the text from the object.
struct GivenAnnotation {
    const AnnotationRow* row = nullptr;
    std::string_view value;
};

using GivenAnnotations = std::vector<GivenAnnotation>;

// Those of one object, by name; notes wrong values, unknown names and those on the wrong kind, and
// on an Ingress foreign ones.
GivenAnnotations readAnnotations(const ObjectKey& object, const Metadata& metadata,
                                 ProblemList& problems);

bool contains(const GivenAnnotations& given, const AnnotationRow& row) noexcept;

// Puts the words of `given` for routes into a claim, but for those that `stronger` has too.
void applyToRoute(const GivenAnnotations& given, const GivenAnnotations& stronger,
                  RouteClaim& claim);

// The annotations of all Services of a store: only those that have any that count.
class ServiceAnnotations {
public:
    ServiceAnnotations(const ObjectStore& store, ProblemList& problems);

    const GivenAnnotations& of(const ObjectName& service) const;  // empty when there are none

    const std::map<ObjectName, GivenAnnotations>& all() const noexcept { return given_; }

private:
    std::map<ObjectName, GivenAnnotations> given_;
};

std::string annotationPath(std::string_view key);  // metadata.annotations["evergate.io/..."]

}  // namespace evergate::controller
