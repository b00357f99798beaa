// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/app_store.hpp"

#include <algorithm>
#include <utility>

namespace evergate::controller::marathon {
namespace {

bool isMalformed(const AppList& list, const std::string& appId) {
    return std::any_of(list.malformed.begin(), list.malformed.end(),
                       [&](const auto& each) { return each.appId == appId; });
}

bool sameProblems(const std::vector<AppProblem>& a, const std::vector<AppProblem>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.appId == y.appId && x.where == y.where && x.what == y.what;
    });
}

std::size_t servingTasks(const App& app) {
    return static_cast<std::size_t>(
        std::count_if(app.tasks.begin(), app.tasks.end(),
                      [](const Task& task) { return isServingState(task.state); }));
}

}  // namespace

ListGuard::Change AppStore::compare(const AppList& list) const {
    ListGuard::Change change;
    std::set<std::string_view> there;
    for (const auto& app : list.apps) {
        there.insert(app.id);
        // An answer that knows of no tasks takes none away.
        const auto before = apps_.find(app.id);
        change.tasksNow += !app.tasksKnown && before != apps_.end() ? servingTasks(before->second)
                                                                    : servingTasks(app);
    }
    for (const auto& [id, app] : apps_) {
        if (isMalformed(list, id)) {
            change.tasksNow += servingTasks(app);
        } else if (!there.contains(id)) {
            if (leaving_.contains(id)) {
                continue;
            }
            ++change.appsLost;
        }
        ++change.appsBefore;
        change.tasksBefore += servingTasks(app);
    }
    return change;
}

AppStore::Change AppStore::applyList(AppList list, Now asked) {
    Change change;
    Apps next;
    std::set<std::string> tasks;  // with those that may not serve: their health is remembered too
    for (auto& app : list.apps) {
        for (const auto& task : app.tasks) {
            tasks.insert(task.id);
        }
        const auto before = apps_.find(app.id);
        if (!app.tasksKnown) {
            list.malformed.push_back({app.id, "tasks", "is missing"});
            if (before != apps_.end()) {
                app.tasks = before->second.tasks;
            }
        }
        finish(app, asked);
        if (before == apps_.end()) {
            change.shape = true;
        } else {
            note(before->second, app, change);
        }
        auto id = app.id;
        next.emplace(std::move(id), std::move(app));
    }
    for (auto& [id, app] : apps_) {
        if (!next.contains(id)) {
            if (isMalformed(list, id)) {
                next.emplace(id, std::move(app));
            } else {
                change.shape = true;
            }
        }
    }
    apps_ = std::move(next);
    change.shape |= !sameProblems(malformed_, list.malformed);
    malformed_ = std::move(list.malformed);
    leaving_.clear();

    for (const auto& [id, app] : apps_) {
        for (const auto& task : app.tasks) {
            tasks.insert(task.id);
        }
    }
    health_.prune([&](const std::string& id) { return tasks.contains(id); });
    std::erase_if(ended_, [&](const auto& each) { return each.second + kLag < asked.steady; });
    return change;
}

AppStore::One AppStore::applyOne(const std::string& appId, AppList answer, Now asked,
                                 Change& change) {
    std::vector<AppProblem> malformed;
    for (const auto& each : malformed_) {
        if (each.appId != appId) {
            malformed.push_back(each);
        }
    }
    for (auto& each : answer.malformed) {
        malformed.push_back({appId, std::move(each.where), std::move(each.what)});
    }
    for (auto& app : answer.apps) {
        if (app.id != appId || !app.tasksKnown) {
            return One::doubtful;
        }
        finish(app, asked);
        const auto before = apps_.find(appId);
        if (before == apps_.end()) {
            change.shape = true;
            apps_.emplace(appId, std::move(app));
            continue;
        }
        if (servingTasks(before->second) > 0 && servingTasks(app) == 0) {
            return One::doubtful;
        }
        note(before->second, app, change);
        before->second = std::move(app);
    }
    change.shape |= !sameProblems(malformed_, malformed);
    malformed_ = std::move(malformed);
    return One::taken;
}

std::string AppStore::taskEnding(const std::string& appId, const std::string& taskId, Time now) {
    ended_[taskId] = now;
    const auto app = apps_.find(appId);
    if (app == apps_.end()) {
        return {};
    }
    const auto removed =
        std::erase_if(app->second.tasks, [&](const Task& task) { return task.id == taskId; });
    return removed > 0 ? appId : std::string();
}

// What an answer says of an app, less what we know better.
void AppStore::finish(App& app, Now asked) {
    std::erase_if(app.tasks, [&](const Task& task) {
        const auto ended = ended_.find(task.id);
        return ended != ended_.end() && asked.steady < ended->second + kLag;
    });
    std::erase_if(app.tasks, [](const Task& task) { return !isServingState(task.state); });
    health_.admit(app, asked.wall);
    std::sort(app.tasks.begin(), app.tasks.end(),
              [](const Task& a, const Task& b) { return a.id < b.id; });
    for (auto& task : app.tasks) {
        task.alive.reset();  // it has been judged
    }
}

void AppStore::note(const App& before, const App& after, Change& change) const {
    if (before.shape != after.shape) {
        change.shape = true;
    } else if (before.tasks != after.tasks) {
        change.tasksOf.insert(after.id);
    }
}

}  // namespace evergate::controller::marathon
