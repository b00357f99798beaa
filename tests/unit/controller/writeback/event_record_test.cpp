// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/event_record.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace evergate::controller::writeback {
namespace {

using nlohmann::json;

const WallTime kNow{std::chrono::seconds(1'767'225'600)};  // 2026-01-01

EventFact fact() {
    return {{ResourceKind::service, {"shop", "cart"}}, "uid-1", true, "InvalidAnnotation", "wrong"};
}

TEST(EventRecord, SaysWhatHappenedToWhichObject) {
    const auto tree = json::parse(newEventJson(fact(), "pod_1", kNow));
    EXPECT_EQ(tree["kind"], "Event");
    EXPECT_EQ(tree["metadata"]["namespace"], "shop");
    EXPECT_EQ(tree["metadata"]["name"], eventName(fact()));
    EXPECT_EQ(tree["involvedObject"], json::parse(R"({"apiVersion":"v1","kind":"Service",
        "namespace":"shop","name":"cart","uid":"uid-1"})"));
    EXPECT_EQ(tree["type"], "Warning");
    EXPECT_EQ(tree["reason"], "InvalidAnnotation");
    EXPECT_EQ(tree["message"], "wrong");
    EXPECT_EQ(tree["count"], 1);
    EXPECT_EQ(tree["firstTimestamp"], "2026-01-01T00:00:00Z");
    EXPECT_EQ(tree["source"]["component"], "evergate-controller");
    EXPECT_EQ(tree["reportingInstance"], "pod_1");
}

TEST(EventRecord, OfAnObjectWithoutNamespaceIsInDefault) {
    EventFact about = fact();
    about.subject = {ResourceKind::ingressClass, {"", "evergate"}};
    EXPECT_EQ(eventsPath(about), "/api/v1/namespaces/default/events");
    EXPECT_FALSE(
        json::parse(newEventJson(about, "", kNow))["involvedObject"].contains("namespace"));
}

TEST(EventRecord, HasOneNamePerFact) {
    const auto name = eventName(fact());
    EXPECT_TRUE(isObjectName(name)) << name;
    EXPECT_EQ(name, eventName(fact()));
    for (auto change : std::vector<void (*)(EventFact&)>{
             [](EventFact& f) { f.uid = "uid-2"; }, [](EventFact& f) { f.reason = "Conflict"; },
             [](EventFact& f) { f.message = "wrong2"; },
             [](EventFact& f) { f.subject.kind = ResourceKind::ingress; },
             [](EventFact& f) { f.subject.name.name = "cart2"; }}) {
        EventFact other = fact();
        change(other);
        EXPECT_NE(name, eventName(other));
    }
    EventFact longest = fact();
    const std::string label(57, 'a');
    longest.subject.name.name =
        label + '.' + label + '.' + label + '.' + label + ".b-bbbbbbbbbbbbbbbbbbb";
    ASSERT_TRUE(isObjectName(longest.subject.name.name));
    EXPECT_TRUE(isObjectName(eventName(longest))) << eventName(longest);
}

TEST(EventRecord, BoundsItsMessageBetweenCharacters) {
    EXPECT_EQ(eventMessage("spec", "is wrong"), "spec: is wrong");
    EXPECT_EQ(eventMessage("", "is wrong"), "is wrong");
    for (std::size_t length = 990; length < 1010; ++length) {
        std::string text(length, 'x');
        text += "\xc3\xa9\xc3\xa9\xc3\xa9";
        const auto message = eventMessage("", text);
        EXPECT_LE(message.size(), kMaxEventMessage);
        EXPECT_NO_THROW(json(message).dump()) << length;  // throws for cut characters
    }
}

TEST(EventRecord, IsCountedUpByAPatch) {
    EXPECT_EQ(json::parse(repeatedEventJson(7, kNow)),
              json::parse(R"({"count":7,"lastTimestamp":"2026-01-01T00:00:00Z"})"));
}

TEST(EventRecord, IsReadBack) {
    const auto stored = parseEvent(newEventJson(fact(), "", kNow));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->count, 1);
    EXPECT_EQ(stored->lastSeen, 1'767'225'600);
    const auto strange = parseEvent(R"({"kind":"Event","count":"x","lastTimestamp":null})");
    ASSERT_TRUE(strange);
    EXPECT_EQ(strange->count, 0);
    EXPECT_EQ(strange->lastSeen, 0);
    for (const auto* text : {"", "[]", "{}", R"({"kind":"Lease"})"}) {
        EXPECT_FALSE(parseEvent(text)) << text;
    }
}

}  // namespace
}  // namespace evergate::controller::writeback
