// SPDX-License-Identifier: Apache-2.0
// What the API server last said, complete or not: the store, which resources are in it, and what
// was wrong.
//
// Pure state without I/O; belongs to the controller's thread. A malformed object never replaces or
// removes its last good version.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/objects/decode.hpp"
#include "controller/objects/object_store.hpp"

namespace evergate::controller::kubernetes {

class ObjectTracker {
public:
    // `ingressClass`: the class we serve, should we not be allowed to read classes; may be empty.
    explicit ObjectTracker(std::string ingressClass) : ingressClass_(std::move(ingressClass)) {}

    // No list of this kind will come: rounds are complete without it.
    void doWithout(ResourceKind kind);

    // The complete list of a kind, begun in `round` of lists.
    Change listed(ResourceKind kind, std::vector<Decoded> objects, std::uint64_t round);
    Change changed(ResourceKind kind, Decoded object);
    Change erased(const ObjectKey& key);
    // We may not read this kind in `round`. Two kinds are then done without, until a list says
    // otherwise: of IngressClasses, the class we serve is taken to exist and to be ours; of
    // Secrets, those known from before stay.
    Change forbidden(ResourceKind kind, std::uint64_t round);
    // A watch of this kind is open: we may read it.
    Change allowed(ResourceKind kind);

    // The last round of which every list is in; 0 before the first.
    std::uint64_t completeRound() const noexcept;

    const ObjectStore& store() const noexcept { return store_; }

    // Sorted; of the objects last seen malformed, and of resources we do without.
    std::vector<ObjectProblem> problems() const;

private:
    // By object, or by the text of the problem when the object could not be named.
    using Malformed = std::map<std::string, ObjectProblem>;

    Malformed& malformed(ResourceKind kind) { return malformed_[static_cast<std::size_t>(kind)]; }

    std::optional<Object> lastGood(const ObjectKey& key) const;

    std::string ingressClass_;
    ObjectStore store_;
    std::array<Malformed, kResourceKinds.size()> malformed_;
    std::array<std::uint64_t, kResourceKinds.size()> rounds_{};
    bool classesForbidden_ = false;
    bool secretsForbidden_ = false;
};

}  // namespace evergate::controller::kubernetes
