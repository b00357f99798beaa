// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/watch_stream.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace evergate::controller::kubernetes {
namespace {

struct Read {
    std::vector<std::pair<WatchType, std::string>> events;
    WatchStream stream;
};

Read readIn(std::string_view text, std::size_t pieceSize) {
    Read read;
    for (std::size_t at = 0; at < text.size(); at += pieceSize) {
        if (!read.stream.feed(text.substr(at, pieceSize), [&](const WatchEvent& event) {
                read.events.emplace_back(event.type, event.object);
                return event.type != WatchType::error;
            })) {
            break;
        }
    }
    return read;
}

constexpr std::string_view kWatch =
    R"({"type":"ADDED","object":{"a":"\n}"}})"
    "\n\n"
    R"({"object":{"b":{}},"type":"MODIFIED"})"
    "\r\n"
    R"({"type":"DELETED","object":{}})"
    "\n"
    R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}})"
    "\n";

TEST(WatchStream, YieldsEventsOverAnySplit) {
    for (std::size_t size = 1; size <= kWatch.size(); ++size) {
        const auto read = readIn(kWatch, size);
        EXPECT_EQ(read.stream.error(), "");
        EXPECT_EQ(read.events,
                  (std::vector<std::pair<WatchType, std::string>>{
                      {WatchType::added, R"({"a":"\n}"})"},
                      {WatchType::modified, R"({"b":{}})"},
                      {WatchType::deleted, "{}"},
                      {WatchType::bookmark, R"({"metadata":{"resourceVersion":"9"}})"}}));
    }
}

TEST(WatchStream, KeepsAnUnfinishedEventToItself) {
    EXPECT_TRUE(readIn(R"({"type":"ADDED","object":{}})", 5).events.empty());
}

TEST(WatchStream, EndsWhereTheReceiverSaysSo) {
    const auto read = readIn(
        "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n{\"type\":\"ADDED\",\"object\":{}}\n",
        1000);
    EXPECT_EQ(read.events.size(), 1U);
    EXPECT_EQ(read.stream.error(), "");
}

TEST(WatchStream, RejectsLinesThatAreNoEvent) {
    for (const auto* line :
         {"x\n", "{}\n", "[1]\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"NEW\",\"object\":{}}\n",
          "{\"type\":\"ADDED\",\"object\":1}\n", "{\"type\":\"ADDED\",\"object\":{}\n"}) {
        EXPECT_FALSE(readIn(line, 1000).stream.error().empty()) << line;
    }
}

TEST(WatchStream, BoundsOneEvent) {
    WatchStream stream(64);
    const auto take = [](const WatchEvent&) { return true; };
    EXPECT_TRUE(stream.feed(std::string(60, ' '), take));
    EXPECT_FALSE(stream.feed(std::string(10, ' '), take));
    EXPECT_EQ(stream.error(), "an event is too large");
    EXPECT_FALSE(stream.feed("\n", take));
}

}  // namespace
}  // namespace evergate::controller::kubernetes
