// SPDX-License-Identifier: Apache-2.0
// The end of a connection: RFC 9113 §6.8.
#include "tests/unit/dataplane/http2/multiplexer_harness.hpp"

namespace evergate::http2 {
namespace {

class End : public MultiplexerTest {};

EVERGATE_WHOLE_AND_BY_OCTET(End);

TEST_P(End, AnnouncedItLeavesAllStreamsIn) {
    begin(Role::server);
    open(1);
    mux().announceEnd();
    EXPECT_EQ(output(), Lines{"GOAWAY 2147483647 0"});
    feed(headers(3, flag::endStream));
    EXPECT_EQ(last(calls()), "fields 3 last");
    EXPECT_TRUE(mux().wantsRead());
}

TEST_P(End, BehindTheLastNothingIsServed) {
    begin(Role::server);
    answerWithBody(open(1), {"body", true, {}});
    mux().endAfterLast();
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "GOAWAY 1 0", "DATA 1 END body"}));
    calls();
    feed(headers(3, 0, "\x40\x01n\x01v") + data(3, "x") + windowUpdate(3, 1) +
         headers(3, flag::endStream));
    EXPECT_EQ(calls(), Lines{"dataFrame 1"});
    EXPECT_EQ(output(), Lines{});
    EXPECT_TRUE(mux().wantsRead());
    feed(headers(1, flag::endStream, "\xbe"));
    EXPECT_EQ(calls(), (Lines{"begins 1", "field 1 n=v", "fields 1 last", "closed 1 0"}));
    EXPECT_FALSE(mux().wantsRead());
    EXPECT_FALSE(mux().wantsWrite());
}

// "Endpoints MUST NOT increase the value they send in the last stream identifier."
TEST_P(End, ItsNumberNeverRises) {
    begin(Role::server);
    open(1);
    mux().announceEnd();
    mux().endAfterLast();
    feed(headers(3, flag::endStream));
    mux().announceEnd();
    mux().endAfterLast();
    feed(headers(5, flag::endStream));
    mux().terminate(ErrorCode::noError);
    EXPECT_EQ(output(), (Lines{"GOAWAY 2147483647 0", "GOAWAY 1 0", "GOAWAY 1 0", "GOAWAY 1 0"}));
}

TEST_P(End, TerminatedNothingMoreIsReadOrBegun) {
    begin(Role::server);
    Stream& stream = open(1);
    answerWithBody(stream, {"body", true, {}});
    mux().terminate(ErrorCode::enhanceYourCalm);
    mux().terminate(ErrorCode::noError);
    EXPECT_TRUE(mux().terminated());
    answer(stream, true);
    answerWithBody(stream, {"more", true, {}});
    mux().consume(stream, 60'000);
    mux().changeWindows(1'000'000, 1'000'000);
    mux().announceEnd();
    mux().endAfterLast();
    feed(headers(3, 0) + "not a frame at all");
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "GOAWAY 1 11"}));
    EXPECT_EQ(calls(), Lines{});
    EXPECT_FALSE(mux().wantsRead());
    mux().reset(stream, ErrorCode::cancel);
    EXPECT_EQ(output(), Lines{});
    EXPECT_EQ(calls(), Lines{"closed 1 8"});
}

TEST_P(End, TerminatedAClientAsksNoMore) {
    begin(Role::client);
    ask();
    mux().terminate(ErrorCode::noError);
    EXPECT_FALSE(mux().hasRoom());
    EXPECT_EQ(mux().request(nullptr, {}, false), nullptr);
    EXPECT_EQ(output(), Lines{"GOAWAY 0 0"});
}

TEST_P(End, AGoawayHasEightOctetsAndMayHaveMore) {
    begin(Role::client);
    feed(frame(FrameType::goaway, 0x55, 0, number(0x8000'0007) + number(2) + "why"));
    EXPECT_EQ(calls(), Lines{"goaway 7 2"});
    begin(Role::client);
    expectConnectionError(frame(FrameType::goaway, 0, 0, "1234567"), ErrorCode::frameSizeError);
    begin(Role::client);
    ask();
    expectConnectionError(frame(FrameType::goaway, 0, 1, number(1) + number(0)),
                          ErrorCode::protocolError);
}

TEST_P(End, WhatThePeerDoesNotServeIsRefused) {
    begin(Role::client);
    for (int i = 0; i < 5; ++i)
        ask(i % 2 == 0);
    feed(goaway(5, ErrorCode::noError));
    Lines heard = calls();
    ASSERT_EQ(heard.size(), 3U);
    EXPECT_EQ(heard[0], "goaway 5 0");
    std::sort(heard.begin() + 1, heard.end());
    EXPECT_EQ(heard[1], "closed 7 7");
    EXPECT_EQ(heard[2], "closed 9 7");
    EXPECT_EQ(mux().streams(), 3U);
    EXPECT_FALSE(mux().hasRoom());
    EXPECT_TRUE(mux().wantsRead());
    feed(headers(1, 0) + data(1, "x", flag::endStream) + headers(3, flag::endStream));
    feed(headers(5, flag::endStream));
    EXPECT_EQ(mux().streams(), 2U);
    mux().reset(stream(1), ErrorCode::noError);
    mux().reset(stream(5), ErrorCode::noError);
    output();
    EXPECT_EQ(mux().streams(), 0U);
    EXPECT_FALSE(mux().wantsRead());
}

TEST_P(End, ThePeersEndMayComeTwice) {
    begin(Role::client);
    ask();
    ask();
    feed(goaway(kMaxStreamId, ErrorCode::noError));
    EXPECT_EQ(calls(), Lines{"goaway 2147483647 0"});
    EXPECT_EQ(mux().streams(), 2U);
    EXPECT_FALSE(mux().hasRoom());
    feed(goaway(1, ErrorCode::enhanceYourCalm));
    EXPECT_EQ(calls(), (Lines{"goaway 1 11", "closed 3 7"}));
}

TEST_P(End, AClientsGoawayLeavesItsStreams) {
    begin(Role::server);
    open(1, true);
    feed(goaway(0, ErrorCode::noError));
    EXPECT_EQ(calls(), Lines{"goaway 0 0"});
    EXPECT_TRUE(mux().wantsRead());
    answer(stream(1), true);
    EXPECT_EQ(output(), Lines{"HEADERS 1 END"});
    EXPECT_FALSE(mux().wantsRead());
}

TEST_P(End, AHandlerMayResetWhatIsRefused) {
    begin(Role::client);
    ask();
    ask();
    ask();
    log_.react = [this](std::string_view call, Stream*) {
        if (call == "goaway")
            mux().reset(stream(5), ErrorCode::cancel);
        if (call == "closed" && mux().find(1) != nullptr)
            mux().reset(stream(1), ErrorCode::internalError);
    };
    feed(goaway(1, ErrorCode::noError));
    EXPECT_EQ(calls(), (Lines{"goaway 1 0", "closed 5 8", "closed 3 7", "closed 1 2"}));
    EXPECT_EQ(mux().streams(), 0U);
}

}  // namespace
}  // namespace evergate::http2
