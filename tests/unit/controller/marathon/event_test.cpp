// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace evergate::controller::marathon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Teller {
    std::string operator()(const TaskEnding& news) const {
        return "ending " + news.appId + " " + news.taskId;
    }

    std::string operator()(const TaskAlive& news) const { return "alive " + news.taskId; }

    std::string operator()(const AppChanged& news) const { return "changed " + news.appId; }

    std::string operator()(const AppGone& news) const { return "gone " + news.appId; }

    std::string operator()(const AnythingChanged&) const { return "anything"; }
};

std::vector<std::string> told(const std::string& type, const std::string& data) {
    std::vector<std::string> texts;
    for (const auto& news : newsOf({type, data})) {
        texts.push_back(std::visit(Teller{}, news));
    }
    return texts;
}

std::string status(const std::string& state) {
    return R"({"eventType":"status_update_event","appId":"/shop/web","taskId":"t.1","taskStatus":")" +
           state + R"("})";
}

TEST(Event, EndsTasks) {
    for (const auto* state : {"TASK_KILLING", "TASK_KILLED", "TASK_FAILED", "TASK_FINISHED",
                              "TASK_ERROR", "TASK_GONE", "TASK_DROPPED"}) {
        EXPECT_THAT(told("status_update_event", status(state)),
                    ElementsAre("ending /shop/web t.1", "changed /shop/web"))
            << state;
    }
    for (const auto* state : {"TASK_STAGING", "TASK_STARTING"}) {
        EXPECT_THAT(told("status_update_event", status(state)), IsEmpty()) << state;
    }
    for (const auto* state : {"TASK_UNREACHABLE", "TASK_LOST", "TASK_NONSENSE"}) {
        EXPECT_THAT(told("status_update_event", status(state)), ElementsAre("changed /shop/web"))
            << state;
    }
    EXPECT_THAT(told("status_update_event", status("TASK_RUNNING")),
                ElementsAre("alive t.1", "changed /shop/web"));
}

TEST(Event, NamesTheApp) {
    EXPECT_THAT(told("", R"({"eventType":"instance_health_changed_event","runSpecId":"/a",
                             "instanceId":"a.i-1","healthy":null})"),
                ElementsAre("changed /a"));
    EXPECT_THAT(told("api_post_event", R"({"uri":"/v2/apps//shop/web?force=true"})"),
                ElementsAre("changed /shop/web"));
    EXPECT_THAT(told("api_post_event", R"({"uri":"/v2/apps/x","appDefinition":{"id":"/y"}})"),
                ElementsAre("changed /y"));
    EXPECT_THAT(told("app_terminated_event", R"({"appId":"/a"})"), ElementsAre("gone /a"));
}

TEST(Event, IgnoresTheRest) {
    for (const auto* type : {"event_stream_attached", "instance_changed_event",
                             "framework_message_event", "", "deployment_info"}) {
        EXPECT_THAT(told(type, R"({"appId":"/a","runSpecId":"/a"})"), IsEmpty()) << type;
    }
}

TEST(Event, ListsAllWhenItCannotTell) {
    EXPECT_THAT(told("deployment_success", R"({"id":"1","plan":{"steps":[[[[[1]]]]]}})"),
                ElementsAre("anything"));
    for (const auto* data : {"", "garbage", "[]", "7", "{\"eventType\":"}) {
        const auto texts = told("status_update_event", data);
        EXPECT_TRUE(texts.empty() || texts == std::vector<std::string>{"anything"}) << data;
    }
    for (const auto* data :
         {R"({"appId":7})", R"({"appId":"../etc"})", R"({"appId":"/A b"})", "{}"}) {
        EXPECT_THAT(told("status_update_event", data), ElementsAre("anything")) << data;
    }
    EXPECT_THAT(told("status_update_event", std::string(200'000, '[')), ElementsAre("anything"));
}

TEST(Event, ReadsSeveralDocumentsInOne) {
    EXPECT_THAT(told("status_update_event", status("TASK_KILLED") + "\n" + status("TASK_LOST")),
                ElementsAre("ending /shop/web t.1", "changed /shop/web", "changed /shop/web"));
}

}  // namespace
}  // namespace evergate::controller::marathon
