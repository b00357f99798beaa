// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/event_stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace evergate::controller::marathon {
namespace {

struct Read {
    std::vector<std::string> events;
    EventStreamParser parser{
        [this](const StreamEvent& event) { events.push_back(event.type + "=" + event.data); }};
    bool ok = true;

    explicit Read(std::string_view text, std::size_t size = 100'000) {
        for (std::size_t at = 0; ok && at < text.size(); at += size) {
            ok = parser.feed(text.substr(at, size));
        }
    }
};

constexpr std::string_view kStream =
    "event: a\r\ndata: {\"x\":1}\r\n\r\n\r\n: comment\r\nid: 7\r\nevent: b\r\ndata: 1\r\ndata: "
    "2\r\n\r\n\r\nevent: never\r\ndata: ended";

TEST(EventStreamParser, GivesTheSameOverAnySplit) {
    for (std::size_t size = 1; size <= kStream.size(); ++size) {
        const Read read(kStream, size);
        EXPECT_TRUE(read.ok);
        ASSERT_EQ(read.events.size(), 2U) << size;
        EXPECT_EQ(read.events[0], "a={\"x\":1}");
        EXPECT_EQ(read.events[1], "b=1\n2");
        EXPECT_EQ(read.parser.heartbeats(), 2U) << size;
    }
}

TEST(EventStreamParser, TakesEveryLineEnd) {
    EXPECT_EQ(Read("event:a\ndata:1\n\n").events, Read("event: a\r\ndata: 1\r\n\r\n").events);
    EXPECT_EQ(Read("event:a\rdata:1\r\r").events, (std::vector<std::string>{"a=1"}));
    EXPECT_EQ(Read("data\n\n").events, (std::vector<std::string>{"="}));
}

TEST(EventStreamParser, ForgetsATypeWithoutData) {
    EXPECT_EQ(Read("event: a\r\n\r\ndata: 1\r\n\r\n").events, (std::vector<std::string>{"=1"}));
}

TEST(EventStreamParser, GivesUpOnAnEndlessLine) {
    EventStreamParser parser([](const StreamEvent&) { FAIL(); });
    const std::string piece(1024 * 1024, 'x');
    bool ok = true;
    int pieces = 0;
    while (ok && ++pieces < 100) {
        ok = parser.feed(piece);
    }
    EXPECT_FALSE(ok);
    EXPECT_LE(pieces, 17);
}

}  // namespace
}  // namespace evergate::controller::marathon
