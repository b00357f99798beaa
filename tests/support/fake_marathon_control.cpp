// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_marathon_control.hpp"

#include <functional>
#include <map>

namespace evergate::test {

using nlohmann::json;

namespace {

std::chrono::milliseconds milliseconds(const json& value) {
    return std::chrono::milliseconds(value.get<int>());
}

void setFault(FakeMarathonFaults& faults, const std::string& name, const json& value) {
    const std::map<std::string, std::function<void()>> setters = {
        {"credentials", [&] { faults.credentials = value; }},
        {"leader", [&] { faults.leader = value; }},
        {"noLeader", [&] { faults.noLeader = value; }},
        {"leaderlessEmpty", [&] { faults.leaderlessEmpty = value; }},
        {"standbyRedirects", [&] { faults.standbyRedirects = value; }},
        {"silentStreams", [&] { faults.silentStreams = value; }},
        {"closeStreamsAtOnce", [&] { faults.closeStreamsAtOnce = value; }},
        {"emptyList", [&] { faults.emptyList = value; }},
        {"noTasks", [&] { faults.noTasks = value; }},
        {"noHealth", [&] { faults.noHealth = value; }},
        {"truncate", [&] { faults.truncate = value; }},
        {"body",
         [&] {
             faults.body.reset();
             if (!value.is_null()) {
                 faults.body = value.get<std::string>();
             }
         }},
        {"status", [&] { faults.status = value; }},
        {"mute", [&] { faults.mute = value; }},
        {"delay", [&] { faults.delay = milliseconds(value); }},
        {"heartbeat", [&] { faults.heartbeat = milliseconds(value); }},
        {"splitHeartbeats", [&] { faults.splitHeartbeats = value; }},
    };
    setters.at(name)();
}

FakeMarathonReply yes(bool done) {
    return {done ? 200U : 404U, done ? R"({"done":true})" : R"({"done":false})", {}, 0};
}

FakeMarathonReply stats(const FakeMarathonState& state) {
    const auto& stats = state.stats;
    const json body = {{"lists", stats.lists},     {"appReads", stats.appReads},
                       {"streams", stats.streams}, {"openStreams", state.streams.size()},
                       {"refused", stats.refused}, {"lastAccept", stats.lastAccept}};
    return {200, body.dump(), {}, 0};
}

FakeMarathonReply post(const std::shared_ptr<FakeMarathonState>& state, const std::string& what,
                       const json& body) {
    if (what == "app") {
        state->putApp(body);
        return yes(true);
    }
    if (what == "task") {
        return yes(state->putTask(body.at("app"), body.at("task")));
    }
    if (what == "state") {
        return yes(state->setTaskState(body.at("app"), body.at("task"), body.at("state")));
    }
    if (what == "health") {
        return yes(state->setHealth(body.at("app"), body.at("task"), body.at("alive")));
    }
    if (what == "event") {
        state->sendEvent(body);
        return yes(true);
    }
    if (what == "faults") {
        for (const auto& [name, value] : body.items()) {
            setFault(state->faults, name, value);
        }
        state->wakeStreams();
        return yes(true);
    }
    if (what == "drop") {
        state->dropStreams();
        return yes(true);
    }
    return yes(false);
}

}  // namespace

FakeMarathonReply answerFakeMarathonControl(const std::shared_ptr<FakeMarathonState>& state,
                                            const std::string& method, const std::string& path,
                                            const std::string& body) {
    const auto what = path.substr(std::string("/fake/").size());
    try {
        if (method == "GET" && what == "stats") {
            return stats(*state);
        }
        if (method == "DELETE" && what.starts_with("app/")) {
            return yes(state->deleteApp(what.substr(3)));
        }
        if (what.starts_with("down/") || what.starts_with("up/")) {
            const auto master = std::stoul(what.substr(what.find('/') + 1));
            what.starts_with("down/") ? takeDown(state, master) : bringUp(state, master);
            return yes(true);
        }
        return post(state, what, body.empty() ? json::object() : json::parse(body));
    } catch (const std::exception& wrong) {
        return {400, json{{"message", wrong.what()}}.dump(), {}, 0};
    }
}

}  // namespace evergate::test
