// SPDX-License-Identifier: Apache-2.0
// Whether Marathon holds a task healthy, remembered: a new leader knows no results of its
// predecessor, and "no result" must not empty a backend. Pure; time is passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "controller/marathon/marathon_app.hpp"

namespace evergate::controller::marathon {

class HealthMemory {
public:
    // Leaves the tasks that may serve, as far as health goes. `now`: seconds since 1970.
    void admit(App& app, std::int64_t now);

    // Forgets tasks that `has` denies.
    template <typename Has>
    void prune(const Has& has) {
        std::erase_if(verdicts_, [&](const auto& each) { return !has(each.first); });
    }

    std::size_t size() const noexcept { return verdicts_.size(); }

private:
    bool judge(const App& app, const Task& task, std::int64_t now);

    std::map<std::string, bool> verdicts_;  // by task id
};

}  // namespace evergate::controller::marathon
