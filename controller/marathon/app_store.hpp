// SPDX-License-Identifier: Apache-2.0
// The apps as last known: what lists said, less what events have said since. Pure; time is passed
// in.
//
// Keeps the last good value of an app that comes malformed, and of everything when a list is not to
// be believed. A task that an event ended stays ended, even when an older answer still shows it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/marathon/app_parser.hpp"
#include "controller/marathon/health_memory.hpp"
#include "controller/marathon/list_guard.hpp"
#include "controller/marathon/translate.hpp"

namespace evergate::controller::marathon {

class AppStore {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct Now {
        Time steady{};          // when the request was sent
        std::int64_t wall = 0;  // seconds since 1970
    };

    struct Change {
        bool shape = false;             // of some app, or its coming and going, or a problem
        std::set<std::string> tasksOf;  // apps of which only tasks changed

        bool any() const noexcept { return shape || !tasksOf.empty(); }
    };

    // How long a list may lag behind an event.
    static constexpr std::chrono::seconds kLag{10};

    // What the guard needs to judge `list`.
    ListGuard::Change compare(const AppList& list) const;

    // Takes a full list over; to be called only when it is believed.
    Change applyList(AppList list, Now asked);

    // What became of one app.
    enum class One { taken, doubtful };

    // `doubtful`: it lost all its tasks at once, and nothing was changed; a full list will tell.
    One applyOne(const std::string& appId, AppList answer, Now asked, Change& change);

    // The id of the app whose endpoints changed; empty: none did.
    std::string taskEnding(const std::string& appId, const std::string& taskId, Time now);

    void taskAlive(const std::string& taskId) { ended_.erase(taskId); }

    void expectGone(const std::string& appId) { leaving_.insert(appId); }

    const Apps& apps() const noexcept { return apps_; }

    const std::vector<AppProblem>& malformed() const noexcept { return malformed_; }

    std::size_t endedTasks() const noexcept { return ended_.size(); }

private:
    void finish(App& app, Now asked);
    void note(const App& before, const App& after, Change& change) const;

    Apps apps_;
    std::vector<AppProblem> malformed_;
    HealthMemory health_;
    std::map<std::string, Time> ended_;  // tasks, and when events ended them
    std::set<std::string> leaving_;      // apps that events say are gone
};

}  // namespace evergate::controller::marathon
