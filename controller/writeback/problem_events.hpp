// SPDX-License-Identifier: Apache-2.0
// Problems -> Events about the objects of the cluster they belong to. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/model/validation.hpp"
#include "controller/objects/object_store.hpp"
#include "controller/source.hpp"
#include "controller/writeback/event_record.hpp"

namespace evergate::controller::writeback {

struct ProblemSet {
    std::vector<ObjectProblem> ofObjects;     // what the source found
    std::vector<model::KeyedProblem> ofKeys;  // left out, or refused by a data plane
};

// The object a value of the configuration was made from; nothing for those made from settings.
std::optional<ObjectKey> objectBehind(const model::Key& key);

// Sorted, each once. Problems that belong to no object are left out.
std::vector<EventFact> eventsAbout(const ProblemSet& problems, const ObjectStore& store);

// Ingresses of which a route is refused: they are not wholly in effect.
std::set<ObjectName> refusedIngresses(const ProblemSet& problems);

// An Ingress is in effect.
EventFact syncedEvent(const Ingress& ingress);

// "InvalidAnnotation", "Conflict", "InvalidField"
std::string reasonOf(const ObjectProblem& problem);

// Null when there is no such object.
const Metadata* metadataOf(const ObjectStore& store, const ObjectKey& key);

}  // namespace evergate::controller::writeback
