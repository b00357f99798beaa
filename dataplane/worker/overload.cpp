// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/overload.hpp"

#include <algorithm>

namespace evergate::worker {

void Overload::note(std::chrono::microseconds late) noexcept {
    if (limit_.count() == 0)
        return;
    if (late > limit_) {
        lateTicks_ = std::min(lateTicks_ + 1, kPatience);
        if (lateTicks_ == kPatience)
            share_ = std::min(share_ + kMore, kMost);
        return;
    }
    lateTicks_ = 0;
    if (late <= limit_ / 2)
        share_ -= std::min(share_, kLess);
}

}  // namespace evergate::worker
