// SPDX-License-Identifier: Apache-2.0
// The TLS part of a snapshot: what https listeners show, whom https backends are trusted by.
//
// Pure, as compileSnapshot(). What did not change is taken over from the snapshot that serves: a
// publication costs no key parsing for certificates it does not touch.
#pragma once

#include <vector>

#include "dataplane/control/snapshot_compiler.hpp"

namespace evergate::dataplane {

// Fills `certificates` and the backends' `trust`; problems name the key and never show a secret.
void compileTls(const Candidate& candidate, routing::Snapshot& snapshot,
                std::vector<model::KeyedProblem>& problems);

}  // namespace evergate::dataplane
