// SPDX-License-Identifier: Apache-2.0
// The one interface between the controller and whatever it watches.
//
// Everything here runs on the controller's one thread. A Source keeps a store of the last known
// objects; after a change it calls the sink, and never before its first full sync.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/model/config.hpp"

namespace evergate::controller {

// A problem with one object of the source. `object` names it in the source's own words ("Ingress
// shop/cart", which keyFromText of objects.hpp reads back; "App /shop/cart"), `where` the field
// ("spec.rules[0].http.paths[1].path", "metadata.annotations[\"evergate.io/retries\"]"), `what`
// says what is wrong and what became of it. The same fault always gives the same three.
struct ObjectProblem {
    std::string object;
    std::string where;
    std::string what;

    friend auto operator<=>(const ObjectProblem&, const ObjectProblem&) = default;
};

// The whole desired configuration, both lanes, and what had to be left out of it.
struct Desired {
    model::Config config;
    std::vector<ObjectProblem> problems;
    // How many complete lists of the source this is built on (mass-delete brake).
    std::uint64_t fullList = 0;
    // Counts up; tells when this, or something later, was published and acknowledged. 0: nobody
    // wants to know.
    std::uint64_t serial = 0;
};

using EventTime = std::chrono::steady_clock::time_point;

class SourceSink {
public:
    virtual ~SourceSink() = default;
    // Something other than endpoints changed: the source rebuilt everything. `since`: the oldest
    // event in it.
    virtual void onDesired(Desired desired, EventTime since) = 0;
    // Only endpoints changed: no holdoff. A backend absent from the last Desired is kept until it
    // appears.
    virtual void onEndpoints(const std::string& backend, model::Endpoints endpoints,
                             EventTime since) = 0;
};

// For /api/v1/source, metrics and readiness.
struct SourceStatus {
    bool synced = false;
    // For people: "watching", "relisting: 410 Gone", "backing off 1.2s: connection refused".
    std::string state;
    std::uint64_t objects = 0;
    std::uint64_t events = 0;
    std::uint64_t lists = 0;   // complete lists so far
    std::uint64_t errors = 0;  // failed lists, watches, files

    // All is well: that is what every source calls it.
    bool watching() const noexcept { return state == "watching"; }
};

class Source {
public:
    virtual ~Source() = default;
    // Starts watching. The sink outlives the source.
    virtual void start(SourceSink& sink) = 0;
    // Asks for a fresh complete list, followed by onDesired with a higher fullList (mass-delete
    // brake).
    virtual void relist() = 0;
    virtual void stop() = 0;
    virtual SourceStatus status() const = 0;
};

}  // namespace evergate::controller
