// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/health_memory.hpp"

#include <algorithm>

namespace evergate::controller::marathon {
namespace {

// Without a result and without a memory: a task older than this has passed its checks, or Marathon
// would have killed it.
bool hasOutlivedItsChecks(const App& app, const Task& task, std::int64_t now) {
    return task.startedAt > 0 && task.state == "TASK_RUNNING" &&
           std::all_of(app.shape.checks.begin(), app.shape.checks.end(), [&](const Check& check) {
               return check.killAfter && now - task.startedAt > *check.killAfter;
           });
}

}  // namespace

bool HealthMemory::judge(const App& app, const Task& task, std::int64_t now) {
    if (app.shape.checks.empty()) {
        return true;
    }
    if (task.alive) {
        return verdicts_[task.id] = *task.alive;
    }
    const auto known = verdicts_.find(task.id);
    return known != verdicts_.end() ? known->second : hasOutlivedItsChecks(app, task, now);
}

void HealthMemory::admit(App& app, std::int64_t now) {
    std::erase_if(app.tasks, [&](const Task& task) { return !judge(app, task, now); });
}

}  // namespace evergate::controller::marathon
