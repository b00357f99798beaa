// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/revision_history.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <utility>

namespace evergate::dataplane {

std::string toIso8601(std::chrono::system_clock::time_point time) {
    const auto millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(millis / 1'000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char date[32];
    const std::size_t length = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(millis % 1'000));
    return std::string(date, length) + fraction;
}

void RevisionHistory::add(RevisionRecord record) {
    auto& lane = lanes_[static_cast<std::size_t>(record.lane)];
    if (lane.size() == kPerLane)
        lane.pop_front();
    lane.push_back(std::move(record));
}

std::vector<RevisionRecord> RevisionHistory::newestFirst() const {
    std::vector<RevisionRecord> merged;
    merged.reserve(lanes_[0].size() + lanes_[1].size());
    std::merge(lanes_[0].rbegin(), lanes_[0].rend(), lanes_[1].rbegin(), lanes_[1].rend(),
               std::back_inserter(merged), [](const auto& left, const auto& right) {
                   return left.appliedAt > right.appliedAt;
               });
    return merged;
}

}  // namespace evergate::dataplane
