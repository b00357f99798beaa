// SPDX-License-Identifier: Apache-2.0
// What an event of Marathon means for us. Pure and total: what is not understood costs a full list.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "controller/marathon/event_stream_parser.hpp"

namespace evergate::controller::marathon {

struct TaskEnding {  // it takes no more traffic, from now on
    std::string appId;
    std::string taskId;
};

struct TaskAlive {  // it runs, whatever was said before
    std::string appId;
    std::string taskId;
};

struct AppChanged {
    std::string appId;
};

struct AppGone {  // a list without it will be right
    std::string appId;
};

struct AnythingChanged {};

using News = std::variant<TaskEnding, TaskAlive, AppChanged, AppGone, AnythingChanged>;

// Nothing for events that change nothing for us.
std::vector<News> newsOf(const StreamEvent& event);

// What we ask to be told: "event_type=a&event_type=b".
std::string eventQuery();

}  // namespace evergate::controller::marathon
