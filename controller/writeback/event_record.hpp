// SPDX-License-Identifier: Apache-2.0
// A Kubernetes Event of ours: what it says, what it is called, and its JSON (core v1, which every
// kubectl shows). Pure.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/objects/objects.hpp"
#include "controller/writeback/wall_time.hpp"

namespace evergate::controller::writeback {

// What there is to say about one object.
struct EventFact {
    ObjectKey subject;
    std::string uid;  // of the subject; empty: not known
    bool warning = true;
    std::string reason;   // "InvalidAnnotation"
    std::string message;  // for people, at most kMaxEventMessage bytes of UTF-8

    friend auto operator<=>(const EventFact&, const EventFact&) = default;
};

inline constexpr std::size_t kMaxEventMessage = 1000;

// "where: what", cut to its bound between characters.
std::string eventMessage(std::string_view where, std::string_view what);

// The namespace Events about this object live in: its own, else "default".
std::string eventNamespace(const ObjectKey& subject);

// The same fact has the same name at whichever controller: that is what makes Events few.
std::string eventName(const EventFact& fact);

// Path of the collection.
std::string eventsPath(const EventFact& fact);

std::string newEventJson(const EventFact& fact, const std::string& instance, WallTime at);
// A merge patch: seen once more.
std::string repeatedEventJson(std::int64_t count, WallTime at);

// What an Event that is already there says.
struct StoredEvent {
    std::int64_t count = 0;
    std::int64_t lastSeen = 0;  // seconds since 1970; 0: not known
};

std::optional<StoredEvent> parseEvent(std::string_view json);

}  // namespace evergate::controller::writeback
