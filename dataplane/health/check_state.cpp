// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/check_state.hpp"

namespace evergate::health {

bool CheckState::note(bool good, const model::HealthCheck& check) noexcept {
    const bool first = !proven_;
    proven_ = true;
    if (good == up_) {
        against_ = 0;
        return false;
    }
    const std::uint32_t needed = up_ ? check.unhealthyThreshold : check.healthyThreshold;
    if (!first && ++against_ < needed) {
        return false;
    }
    up_ = good;
    against_ = 0;
    return true;
}

}  // namespace evergate::health
