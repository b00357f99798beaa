// SPDX-License-Identifier: Apache-2.0
// Whether one endpoint counts as up, given the results of its checks. Pure.
//
// An endpoint nobody checked yet is up, because the cluster says so, but its first check alone
// decides: a bad one takes it out (as HAProxy does with a new server). After that it takes
// `unhealthyThreshold` bad ones in a row to go down and `healthyThreshold` good ones to come back.
#pragma once

#include <cstdint>

#include "common/model/values.hpp"

namespace evergate::health {

class CheckState {
public:
    bool up() const noexcept { return up_; }

    bool proven() const noexcept { return proven_; }  // at least one check is over

    // True when that changed up().
    bool note(bool good, const model::HealthCheck& check) noexcept;

private:
    bool up_ = true;
    bool proven_ = false;
    std::uint32_t against_ = 0;  // results in a row that speak against the present state
};

}  // namespace evergate::health
