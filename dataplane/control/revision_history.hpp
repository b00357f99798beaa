// SPDX-License-Identifier: Apache-2.0
// The last revisions this data plane was given, for people who ask what changed and when.
//
// Bounded per lane, so that busy endpoints never push out the last configuration. One thread; pure
// apart from the time handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "common/model/config.hpp"

namespace evergate::dataplane {

// "2026-05-04T10:11:12.345Z"
std::string toIso8601(std::chrono::system_clock::time_point time);

struct RevisionRecord {
    std::uint64_t version = 0;
    model::Lane lane = model::Lane::config;
    std::string rootHash;
    std::chrono::system_clock::time_point appliedAt;
    std::size_t upserts = 0;
    std::size_t deletes = 0;
    std::uint64_t micros = 0;           // from the call to the last worker's answer
    std::vector<std::string> problems;  // empty: applied

    bool applied() const noexcept { return problems.empty(); }
};

class RevisionHistory {
public:
    static constexpr std::size_t kPerLane = 100;

    void add(RevisionRecord record);
    // Both lanes, newest first.
    std::vector<RevisionRecord> newestFirst() const;

private:
    std::deque<RevisionRecord> lanes_[2];
};

}  // namespace evergate::dataplane
