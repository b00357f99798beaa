// SPDX-License-Identifier: Apache-2.0
// From a candidate configuration to the snapshot the workers serve from, or what is wrong with it.
//
// Pure: touches nothing but its arguments, so it may run on any thread; the applier runs it off the
// control thread. Validates again what the control link checked: applying is the last line of
// defence.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/model/config.hpp"
#include "common/model/validation.hpp"
#include "dataplane/routing/snapshot.hpp"

namespace evergate::tls {
class Certificate;
}  // namespace evergate::tls

namespace evergate::dataplane {

// Ids of every backend of a candidate; the views point into its keys.
using BackendIdMap = std::unordered_map<std::string_view, routing::BackendId>;

struct Candidate {
    std::shared_ptr<const model::Config> config;
    std::shared_ptr<const model::Config> previous;  // validated before; null: nothing
    std::uint64_t version = 0;
    BackendIdMap ids;
    BackendIdMap
        routeIds{};  // routing::Target::statsIndex, by the route's name; none: as they come
    std::shared_ptr<const routing::Snapshot> serving{};  // unchanged TLS parts are taken from it
    // For https clients that ask for no host we know; null only where there are none.
    std::shared_ptr<const tls::Certificate> fallbackCertificate{};
};

struct Compiled {
    std::shared_ptr<const routing::Snapshot> snapshot;  // null when there are problems
    std::vector<model::KeyedProblem> problems;
};

Compiled compileSnapshot(const Candidate& candidate);

// The entries of one kind: a range for `for`.
class EntriesOfKind {
public:
    using Iterator = model::Config::Map::const_iterator;

    EntriesOfKind(const model::Config& config, model::Kind kind);

    Iterator begin() const noexcept { return begin_; }

    Iterator end() const noexcept { return end_; }

private:
    Iterator begin_;
    Iterator end_;
};

}  // namespace evergate::dataplane
