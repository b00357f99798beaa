// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/event_record.hpp"

#include <nlohmann/json.hpp>

#include "controller/objects/timestamp.hpp"

namespace evergate::controller::writeback {
namespace {

using Json = nlohmann::json;

constexpr const char* kComponent = "evergate-controller";
constexpr std::size_t kMaxNamePrefix = 230;

// FNV-1a: names need to differ, not to be secret.
class Fingerprint {
public:
    void add(std::string_view text) {
        for (const unsigned char c : text) {
            mix(c);
        }
        mix(0xff);  // in no UTF-8 text: fields stay apart
    }

    std::string hex() const {
        constexpr auto kDigits = "0123456789abcdef";
        std::string text;
        for (int shift = 60; shift >= 0; shift -= 4) {
            text += kDigits[(value_ >> static_cast<unsigned>(shift)) & 15U];
        }
        return text;
    }

private:
    void mix(unsigned char c) { value_ = (value_ ^ c) * 0x100000001b3ULL; }

    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string textOf(const Json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

bool isContinuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

}  // namespace

std::string eventMessage(std::string_view where, std::string_view what) {
    std::string text(where);
    text.append(where.empty() ? "" : ": ").append(what);
    if (text.size() > kMaxEventMessage) {
        std::size_t end = kMaxEventMessage - 3;
        while (end > 0 && isContinuation(text[end])) {
            --end;
        }
        text.resize(end);
        text += "...";
    }
    return text;
}

std::string eventNamespace(const ObjectKey& subject) {
    return subject.name.ns.empty() ? "default" : subject.name.ns;
}

std::string eventName(const EventFact& fact) {
    Fingerprint print;
    print.add(kindName(fact.subject.kind));
    print.add(fact.uid);
    print.add(fact.reason);
    print.add(fact.message);
    auto prefix = fact.subject.name.name.substr(0, kMaxNamePrefix);
    while (!prefix.empty() && (prefix.back() == '.' || prefix.back() == '-')) {
        prefix.pop_back();
    }
    return prefix + '.' + print.hex();
}

std::string eventsPath(const EventFact& fact) {
    return "/api/v1/namespaces/" + eventNamespace(fact.subject) + "/events";
}

std::string newEventJson(const EventFact& fact, const std::string& instance, WallTime at) {
    Json object{{"apiVersion", apiVersion(fact.subject.kind)},
                {"kind", kindName(fact.subject.kind)},
                {"name", fact.subject.name.name}};
    if (!fact.subject.name.ns.empty()) {
        object["namespace"] = fact.subject.name.ns;
    }
    if (!fact.uid.empty()) {
        object["uid"] = fact.uid;
    }
    const auto time = secondTime(at);
    const Json event{
        {"apiVersion", "v1"},
        {"kind", "Event"},
        {"metadata", {{"name", eventName(fact)}, {"namespace", eventNamespace(fact.subject)}}},
        {"involvedObject", std::move(object)},
        {"type", fact.warning ? "Warning" : "Normal"},
        {"reason", fact.reason},
        {"message", fact.message},
        {"source", {{"component", kComponent}}},
        {"reportingComponent", kComponent},
        {"reportingInstance", instance},
        {"firstTimestamp", time},
        {"lastTimestamp", time},
        {"count", 1}};
    return dump(event);
}

std::string repeatedEventJson(std::int64_t count, WallTime at) {
    return dump(Json{{"count", count}, {"lastTimestamp", secondTime(at)}});
}

std::optional<StoredEvent> parseEvent(std::string_view json) {
    const auto tree = Json::parse(json, nullptr, false);
    if (!tree.is_object() || textOf(tree, "kind") != "Event") {
        return std::nullopt;
    }
    StoredEvent stored;
    const auto count = tree.find("count");
    if (count != tree.end() && count->is_number_integer()) {
        stored.count = count->get<std::int64_t>();
    }
    stored.lastSeen = parseTimestamp(textOf(tree, "lastTimestamp")).value_or(0);
    return stored;
}

}  // namespace evergate::controller::writeback
