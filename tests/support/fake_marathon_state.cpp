// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_marathon_state.hpp"

#include <algorithm>
#include <utility>

namespace evergate::test {

using nlohmann::json;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::size_t kKeptEvents = 10'000;
constexpr const char* kTimestamp = "2026-11-21T10:00:00.000Z";

bool isTerminal(const std::string& state) {
    return state != "TASK_STAGING" && state != "TASK_STARTING" && state != "TASK_RUNNING" &&
           state != "TASK_KILLING" && state != "TASK_UNREACHABLE" && state != "TASK_LOST";
}

json statusEvent(const std::string& appId, const json& task, const std::string& state) {
    return {{"eventType", "status_update_event"},
            {"timestamp", kTimestamp},
            {"appId", appId},
            {"taskId", task.value("id", "")},
            {"taskStatus", state},
            {"message", ""},
            {"host", task.value("host", "")},
            {"ports", task.value("ports", json::array())},
            {"ipAddresses", task.value("ipAddresses", json::array())},
            {"slaveId", "S1"},
            {"version", kTimestamp}};
}

json* findTask(json& app, const std::string& taskId) {
    for (auto& task : app["tasks"]) {
        if (task.value("id", "") == taskId) {
            return &task;
        }
    }
    return nullptr;
}

}  // namespace

json* FakeMarathonState::find(const std::string& id) {
    const auto it = std::find_if(apps.begin(), apps.end(),
                                 [&](const json& app) { return app.value("id", "") == id; });
    return it == apps.end() ? nullptr : &*it;
}

void FakeMarathonState::putApp(json app, bool tell) {
    const auto id = app.value("id", "");
    if (!app.contains("tasks")) {
        app["tasks"] = json::array();
    }
    if (auto* existing = find(id)) {
        *existing = std::move(app);
    } else {
        apps.push_back(std::move(app));
    }
    if (tell) {
        sendEvent({{"eventType", "api_post_event"},
                   {"timestamp", kTimestamp},
                   {"uri", "/v2/apps/" + id},
                   {"clientIp", "127.0.0.1"},
                   {"appDefinition", {{"id", id}}}});
    }
}

bool FakeMarathonState::deleteApp(const std::string& id, bool tell) {
    const auto* app = find(id);
    if (app == nullptr) {
        return false;
    }
    apps.erase(static_cast<std::size_t>(app - &apps.front()));
    if (tell) {
        sendEvent(
            {{"eventType", "app_terminated_event"}, {"appId", id}, {"timestamp", kTimestamp}});
    }
    return true;
}

bool FakeMarathonState::putTask(const std::string& appId, json task, bool tell) {
    auto* app = find(appId);
    if (app == nullptr) {
        return false;
    }
    const auto event = statusEvent(appId, task, task.value("state", "TASK_RUNNING"));
    if (auto* existing = findTask(*app, task.value("id", ""))) {
        *existing = std::move(task);
    } else {
        (*app)["tasks"].push_back(std::move(task));
    }
    if (tell) {
        sendEvent(event);
    }
    return true;
}

bool FakeMarathonState::setTaskState(const std::string& appId, const std::string& taskId,
                                     const std::string& taskState, bool tell) {
    auto* app = find(appId);
    auto* task = app == nullptr ? nullptr : findTask(*app, taskId);
    if (task == nullptr) {
        return false;
    }
    const auto event = statusEvent(appId, *task, taskState);
    (*task)["state"] = taskState;
    if (isTerminal(taskState)) {
        auto& tasks = (*app)["tasks"];
        tasks.erase(static_cast<std::size_t>(task - &tasks.front()));
    }
    if (tell) {
        sendEvent(event);
    }
    return true;
}

bool FakeMarathonState::setHealth(const std::string& appId, const std::string& taskId, bool alive) {
    auto* app = find(appId);
    auto* task = app == nullptr ? nullptr : findTask(*app, taskId);
    if (task == nullptr) {
        return false;
    }
    (*task)["healthCheckResults"] = json::array({{{"alive", alive}, {"instanceId", taskId}}});
    sendEvent({{"eventType", "instance_health_changed_event"},
               {"timestamp", kTimestamp},
               {"instanceId", taskId},
               {"runSpecId", appId},
               {"runSpecVersion", kTimestamp},
               {"healthy", alive}});
    return true;
}

void FakeMarathonState::sendEvent(json event) {
    sendRaw("event: " + event.value("eventType", "") + "\r\ndata: " + event.dump() + "\r\n\r\n");
}

void FakeMarathonState::sendRaw(std::string frame) {
    events.push_back({++lastSerial, std::move(frame)});
    if (events.size() > kKeptEvents) {
        events.pop_front();
    }
    wakeStreams();
}

json FakeMarathonState::shown(const json& app) const {
    auto copy = app;
    if (faults.noTasks) {
        copy["tasks"] = json::array();
    }
    if (faults.noHealth) {
        for (auto& task : copy["tasks"]) {
            task.erase("healthCheckResults");
        }
    }
    return copy;
}

json FakeMarathonState::appsAnswer() const {
    auto list = json::array();
    for (const auto& app : apps) {
        if (!faults.emptyList && !(faults.noLeader && faults.leaderlessEmpty)) {
            list.push_back(shown(app));
        }
    }
    return {{"apps", std::move(list)}};
}

void FakeMarathonState::wakeStreams() {
    for (auto* timer : streams) {
        timer->cancel();
    }
}

void FakeMarathonState::dropStreams() {
    ++streamEpoch;
    wakeStreams();
}

void FakeMarathonState::dropConnections() {
    for (auto* socket : sockets) {
        ErrorCode ignored;
        socket->close(ignored);
    }
    dropStreams();
}

std::string FakeMarathonState::serverOf(std::size_t master) const {
    return "127.0.0.1:" + std::to_string(endpoints.at(master).port());
}

}  // namespace evergate::test
