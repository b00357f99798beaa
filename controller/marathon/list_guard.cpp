// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/list_guard.hpp"

namespace evergate::controller::marathon {

ListGuard::Verdict ListGuard::judge(const Change& change, Time now) {
    const bool mostApps = change.appsLost * 2 > change.appsBefore;
    const bool everyTask = change.tasksBefore > 0 && change.tasksNow == 0;
    if (!mostApps && !everyTask) {
        return Verdict::believe;
    }
    doubtSince_ = doubtSince_.value_or(now);
    return now - *doubtSince_ >= patience_ ? Verdict::confirm : Verdict::hold;
}

}  // namespace evergate::controller::marathon
