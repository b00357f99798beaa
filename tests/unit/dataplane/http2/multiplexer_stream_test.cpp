// SPDX-License-Identifier: Apache-2.0
// The states of streams and their numbers: RFC 9113 §5.1, §5.1.1, §5.1.2, §6.4.
#include "tests/unit/dataplane/http2/multiplexer_harness.hpp"

namespace evergate::http2 {
namespace {

class Streams : public MultiplexerTest {
protected:
    // One that is over: both sides said all.
    void openAndClose(std::uint32_t id) {
        answer(open(id, true), true);
        output();
        calls();
        EXPECT_EQ(mux().find(id), nullptr);
    }
};

EVERGATE_WHOLE_AND_BY_OCTET(Streams);

// idle

TEST_P(Streams, OnAnIdleOneOnlyHeadersMayCome) {
    for (const std::string& bytes :
         {data(3, "x"), resetStream(3, ErrorCode::cancel), windowUpdate(3, 1), data(2, "x"),
          windowUpdate(2, 1), resetStream(2, ErrorCode::cancel), headers(2, 0)}) {
        begin(Role::server);
        open(1);
        expectConnectionError(bytes, ErrorCode::protocolError);
    }
    for (const std::string& bytes : {data(3, "x"), resetStream(3, ErrorCode::cancel),
                                     windowUpdate(3, 1), headers(3, 0), headers(2, 0)}) {
        begin(Role::client);
        ask();
        expectConnectionError(bytes, ErrorCode::protocolError);
    }
}

TEST_P(Streams, PriorityMayComeForAnIdleOne) {
    begin(Role::server);
    feed(frame(FrameType::priority, 0, 7, number(3) + "\x10"));
    expectAlive();
    open(1);
}

// reserved

TEST_P(Streams, NobodyMayPush) {
    for (const Role role : {Role::server, Role::client}) {
        begin(role);
        role == Role::server ? void(open(1)) : void(ask());
        expectConnectionError(
            frame(FrameType::pushPromise, flag::endHeaders, 1, number(2) + request()),
            ErrorCode::protocolError);
    }
}

// open, half-closed (local)

TEST_P(Streams, AnAnswerMayComeBeforeTheRequestIsOver) {
    begin(Role::server);
    answer(open(1), true);
    EXPECT_EQ(output(), Lines{"HEADERS 1 END"});
    EXPECT_EQ(calls(), Lines{"end sent 1"});
    feed(data(1, "more", flag::endStream));
    EXPECT_EQ(calls(), (Lines{"data 1 more", "dataFrame 4 last", "end 1", "closed 1 0"}));
    EXPECT_EQ(mux().streams(), 0U);
}

TEST_P(Streams, BothSidesEndOne) {
    begin(Role::server);
    answer(open(1, true), true);
    EXPECT_EQ(output(), Lines{"HEADERS 1 END"});
    EXPECT_EQ(calls(), (Lines{"end sent 1", "closed 1 0"}));
    begin(Role::client);
    ask();
    feed(headers(1, flag::endStream));
    EXPECT_EQ(calls(), (Lines{"begins 1", "field 1 :method=GET", "fields 1 last", "closed 1 0"}));
    EXPECT_EQ(mux().streams(), 0U);
}

// half-closed (remote)

TEST_P(Streams, NothingComesBehindTheEnd) {
    for (const std::string& bytes :
         {data(1, "x"), data(1, "", flag::endStream), headers(1, 0), headers(1, flag::endStream)}) {
        begin(Role::server);
        open(1, true);
        expectConnectionError(bytes, ErrorCode::streamClosed);
    }
    begin(Role::client);
    ask(true);
    feed(headers(1, flag::endStream));
    expectConnectionError(data(1, "x"), ErrorCode::streamClosed);
}

TEST_P(Streams, AServerThatAnswersTwiceLosesTheStream) {
    begin(Role::client);
    ask(true);
    feed(headers(1, flag::endStream));
    expectStreamError(headers(1, 0), 1, ErrorCode::streamClosed);
}

TEST_P(Streams, BehindTheEndWindowsPrioritiesAndResetsMayCome) {
    begin(Role::server);
    open(1, true);
    feed(windowUpdate(1, 10) + frame(FrameType::priority, 0, 1, number(3) + "\x10"));
    expectAlive();
    feed(resetStream(1, ErrorCode::cancel));
    EXPECT_EQ(calls(), Lines{"closed 1 8"});
    EXPECT_EQ(mux().streams(), 0U);
}

// closed

TEST_P(Streams, WhatThePeerEndedIsClosed) {
    for (const std::string& bytes :
         {data(1, "x"), headers(1, 0), headers(1, flag::endStream), data(1, "", flag::endStream)}) {
        begin(Role::server);
        openAndClose(1);
        expectConnectionError(bytes, ErrorCode::streamClosed);
    }
}

TEST_P(Streams, WhatThePeerResetIsClosed) {
    for (const std::string& bytes : {data(1, "x"), headers(1, 0)}) {
        begin(Role::server);
        open(1);
        feed(resetStream(1, ErrorCode::cancel));
        EXPECT_EQ(calls(), Lines{"closed 1 8"});
        expectConnectionError(bytes, ErrorCode::streamClosed);
    }
}

TEST_P(Streams, OnAClosedOneWindowsPrioritiesAndResetsAreIgnored) {
    begin(Role::server);
    openAndClose(1);
    feed(windowUpdate(1, 10) + windowUpdate(1, 0) + resetStream(1, ErrorCode::cancel) +
         frame(FrameType::priority, 0, 1, number(3) + "\x10"));
    EXPECT_EQ(calls(), Lines{});
    expectAlive();
}

// The peer may not know yet (§5.1): what is late counts for the connection only.
TEST_P(Streams, WhatIsLateForOneWeResetIsIgnored) {
    begin(Role::server);
    Stream& stream = open(1);
    mux().reset(stream, ErrorCode::cancel);
    feed(data(1, "early"));  // before it is said
    EXPECT_EQ(output(), Lines{"RST_STREAM 1 8"});
    EXPECT_EQ(calls(), (Lines{"dataFrame 5", "closed 1 8"}));
    feed(data(1, "late") + windowUpdate(1, 5) + windowUpdate(1, 0) + data(1, "", flag::endStream) +
         headers(1, flag::endStream, block({{"trailer", "late"}})) +
         resetStream(1, ErrorCode::cancel));
    EXPECT_EQ(calls(), (Lines{"dataFrame 4", "dataFrame 0 last"}));
    expectAlive();
}

TEST_P(Streams, AnAnswerIsLateForARequestWeReset) {
    begin(Role::client);
    mux().reset(ask(true), ErrorCode::cancel);
    EXPECT_EQ(output(), Lines{"RST_STREAM 1 8"});
    calls();
    feed(headers(1, 0) + data(1, "late", flag::endStream) + resetStream(1, ErrorCode::noError));
    EXPECT_EQ(calls(), Lines{"dataFrame 4 last"});
    expectAlive();
}

// The compression goes on whoever a block is for (§4.3).
TEST_P(Streams, LateHeadersAreUnpacked) {
    begin(Role::server);
    mux().reset(open(1), ErrorCode::cancel);
    output();
    feed(headers(1, flag::endStream, "\x40\x01n\x01v"));  // enters the table
    calls();
    feed(headers(3, flag::endStream, "\xbe"));
    EXPECT_EQ(calls(), (Lines{"opens 3", "field 3 n=v", "fields 3 last"}));
}

TEST_P(Streams, AResetIsSaidOnce) {
    begin(Role::server);
    Stream& stream = open(1);
    mux().reset(stream, ErrorCode::cancel);
    mux().reset(stream, ErrorCode::internalError);
    EXPECT_TRUE(mux().wantsWrite());
    EXPECT_EQ(output(), Lines{"RST_STREAM 1 8"});
    EXPECT_EQ(calls(), Lines{"closed 1 8"});
}

TEST_P(Streams, BothSidesReset) {
    begin(Role::server);
    mux().reset(open(1), ErrorCode::cancel);
    feed(resetStream(1, ErrorCode::internalError));
    EXPECT_EQ(output(), Lines{"RST_STREAM 1 8"});
    EXPECT_EQ(calls(), Lines{"closed 1 2"});
    EXPECT_EQ(mux().streams(), 0U);
}

// §5.1.1

TEST_P(Streams, NumbersRise) {
    begin(Role::server);
    open(5);
    open(7);
    expectConnectionError(headers(3, 0), ErrorCode::streamClosed);
}

TEST_P(Streams, AClientsNumbersAreOdd) {
    begin(Role::server);
    expectConnectionError(headers(4, 0), ErrorCode::protocolError);
    begin(Role::server);
    expectConnectionError(headers(0, 0), ErrorCode::protocolError);
}

TEST_P(Streams, TheLargestNumberIsOne) {
    begin(Role::server);
    open(kMaxStreamId, true);
    expectAlive();
    mux().terminate(ErrorCode::noError);
    EXPECT_EQ(output(), Lines{"GOAWAY 2147483647 0"});
}

TEST_P(Streams, OurNumbersRiseByTwo) {
    begin(Role::client);
    EXPECT_EQ(ask().id, 1U);
    EXPECT_EQ(ask(true).id, 3U);
    EXPECT_EQ(ask().id, 5U);
    EXPECT_EQ(mux().streams(), 3U);
}

// §5.1.2

TEST_P(Streams, TooManyAreRefused) {
    begin(Role::server);
    mux().limitStreams(2);
    open(1);
    open(3);
    feed(headers(5, 0, "\x40\x01n\x01v") + data(5, "x") + headers(5, flag::endStream));
    EXPECT_EQ(calls(), Lines{"dataFrame 1"});
    mux().takeSent();
    EXPECT_EQ(log_.unheard, 2U);
    EXPECT_EQ(output(), Lines{"RST_STREAM 5 7"});
    EXPECT_EQ(mux().takeSent().frames, 0U);
    EXPECT_EQ(mux().streams(), 2U);
    feed(resetStream(3, ErrorCode::cancel));
    calls();
    feed(headers(7, flag::endStream, "\xbe"));  // that of 5 was unpacked
    EXPECT_EQ(calls(), (Lines{"opens 7", "field 7 n=v", "fields 7 last"}));
}

TEST_P(Streams, WeOpenNoMoreThanThePeerAllows) {
    begin(Role::client, setting(SettingId::maxConcurrentStreams, 2));
    EXPECT_EQ(mux().peerMaxStreams(), 2U);
    ask();
    EXPECT_TRUE(mux().hasRoom());
    ask();
    EXPECT_FALSE(mux().hasRoom());
    EXPECT_EQ(mux().request(nullptr, {}, false), nullptr);
    feed(headers(1, flag::endStream));
    EXPECT_TRUE(mux().hasRoom());
    feed(settings(setting(SettingId::maxConcurrentStreams, 0)));
    EXPECT_FALSE(mux().hasRoom());
    feed(settings(setting(SettingId::maxConcurrentStreams, 5)));
    EXPECT_TRUE(mux().hasRoom());
}

// §6.4

TEST_P(Streams, AResetHasFourOctets) {
    for (const std::size_t size : {0U, 3U, 5U, 8U}) {
        begin(Role::server);
        open(1);
        expectConnectionError(frame(FrameType::rstStream, 0, 1, std::string(size, '\0')),
                              ErrorCode::frameSizeError);
    }
}

TEST_P(Streams, AResetIsOfAStream) {
    begin(Role::server);
    open(1);
    expectConnectionError(resetStream(0, ErrorCode::cancel), ErrorCode::protocolError);
}

TEST_P(Streams, AnUnknownCodeIsToldAsItIs) {
    begin(Role::server);
    open(1);
    feed(resetStream(1, static_cast<ErrorCode>(0x1234'5678)));
    EXPECT_EQ(calls(), Lines{"closed 1 305419896"});
}

// What there is of them is given back, also with the connection.
TEST_P(Streams, LeaveNothingBehind) {
    begin(Role::server);
    for (std::uint32_t id = 1; id < 2'000; id += 2) {
        Stream& stream = open(id, id % 4 == 1);
        id % 8 == 1 ? answer(stream, true) : mux().reset(stream, ErrorCode::cancel);
        output();
        EXPECT_EQ(mux().streams(), 0U);
        if (id % 16 == 1)
            mux().rest();
    }
    open(2'001);
    answerWithBody(open(2'003), {"body", true, {}});
}

}  // namespace
}  // namespace evergate::http2
