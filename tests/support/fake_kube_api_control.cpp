// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_kube_api_control.hpp"

#include <cstdlib>
#include <utility>

namespace evergate::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

unsigned long numberOf(const FakeTarget& target, const char* name, unsigned long otherwise = 0) {
    const auto text = target.parameter(name);
    return text.empty() ? otherwise : std::strtoul(text.c_str(), nullptr, 10);
}

FakeAnswer putObjects(FakeKubeState& state, const std::string& body) {
    auto list = json::parse(body, nullptr, false);
    if (!list.is_object() || !list["items"].is_array()) {
        return fakeRefusal(400, "BadRequest", "the body must be {\"items\": [...]}");
    }
    for (auto& object : list["items"]) {
        const auto answer = state.store.upsert(std::move(object));
        if (answer.status / 100 != 2) {
            return answer;
        }
    }
    state.wakeWatches();
    return {200, "ok\n", {}};
}

FakeAnswer showStats(const FakeKubeState& state) {
    const auto& stats = state.stats;
    json body = {{"connections", stats.connections},
                 {"requests", stats.requests},
                 {"lists", stats.lists},
                 {"watches", stats.watches},
                 {"openConnections", state.sockets.size()},
                 {"openWatches", state.watches.size()},
                 {"lastUserAgent", stats.lastUserAgent},
                 {"resourceVersion", std::to_string(state.store.version())}};
    for (const auto* kind : {"Ingress", "IngressClass", "Service", "EndpointSlice"}) {
        body["objects"][kind] = state.store.count(*findFakeKind(kind));
    }
    return {200, body.dump() + "\n", {}};
}

void planRefusals(FakeKubeState& state, const FakeTarget& target) {
    auto& plan = state.faults.refusals;
    plan.status = static_cast<unsigned>(numberOf(target, "status", 500));
    plan.count = static_cast<unsigned>(numberOf(target, "count", 1));
    plan.match = target.parameter("match");
    plan.retryAfter.reset();
    if (const auto seconds = numberOf(target, "retryAfter"); seconds != 0) {
        plan.retryAfter = static_cast<unsigned>(seconds);
    }
}

// Those without a body or an answer of their own; false for unknown ones.
bool inject(const std::shared_ptr<FakeKubeState>& state, const std::string& fault,
            const FakeTarget& target, const boost::asio::ip::tcp::socket* socket) {
    auto& faults = state->faults;
    if (fault == "drop") {
        state->dropConnections(socket);
    } else if (fault == "drop-every") {
        dropEvery(state, milliseconds(numberOf(target, "ms")));
    } else if (fault == "down") {
        state->goDown(socket);
        goUpAfter(state, milliseconds(numberOf(target, "ms", 500)));
    } else if (fault == "compact") {
        state->store.compact();
    } else if (fault == "half") {
        ++state->halfEvents;
    } else if (fault == "stall") {
        faults.silentWatches = target.flag("on");
    } else if (fault == "refuse") {
        planRefusals(*state, target);
    } else if (fault == "slow") {
        faults.slowBytes = numberOf(target, "bytes");
        faults.slowPause = milliseconds(numberOf(target, "ms", 1));
    } else if (fault == "token") {
        faults.token = target.parameter("value");
    } else if (fault == "bookmarks") {
        faults.bookmarkEvery = milliseconds(numberOf(target, "ms", 10'000));
    } else if (fault == "window") {
        state->store.setWindow(numberOf(target, "events", 1000));
    } else {
        return false;
    }
    state->wakeWatches();
    return true;
}

}  // namespace

FakeAnswer answerFakeControl(const std::shared_ptr<FakeKubeState>& state,
                             const FakeRequest& request,
                             const boost::asio::ip::tcp::socket* socket) {
    const auto fault = request.target.path.substr(sizeof "/fake/" - 1);
    if (fault == "stats") {
        return showStats(*state);
    }
    if (request.method != "POST") {
        return fakeRefusal(405, "MethodNotAllowed", "faults are injected by POST");
    }
    if (fault == "objects") {
        return putObjects(*state, request.body);
    }
    return inject(state, fault, request.target, socket)
               ? FakeAnswer{200, "ok\n", {}}
               : fakeRefusal(404, "NotFound", "no such fault: " + fault);
}

}  // namespace evergate::test
