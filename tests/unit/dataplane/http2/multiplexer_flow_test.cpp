// SPDX-License-Identifier: Apache-2.0
// Windows: RFC 9113 §5.2, §6.5.3, §6.9.
#include "tests/unit/dataplane/http2/multiplexer_harness.hpp"

namespace evergate::http2 {
namespace {

class Flow : public MultiplexerTest {
protected:
    // Octets of bodies in what is sent.
    std::size_t sentData() {
        std::size_t size = 0;
        for (const FrameText& frame : split(octets()))
            size += frame.head.type == FrameType::data ? frame.payload.size() : 0;
        return size;
    }

    // So much of stream `id`, in frames.
    void feedData(std::uint32_t id, std::size_t size) {
        for (; size > 0; size -= std::min<std::size_t>(size, kMaxFrame))
            feed(data(id, std::string(std::min<std::size_t>(size, kMaxFrame), 'x')));
    }
};

EVERGATE_WHOLE_AND_BY_OCTET(Flow);

// §6.9

TEST_P(Flow, AnUpdateHasFourOctets) {
    for (const std::uint32_t id : {0U, 1U}) {
        for (const std::size_t size : {0U, 3U, 5U}) {
            begin(Role::server);
            open(1);
            expectConnectionError(frame(FrameType::windowUpdate, 0, id, std::string(size, '\1')),
                                  ErrorCode::frameSizeError);
        }
    }
}

TEST_P(Flow, AnUpdateOfNothingIsAnError) {
    begin(Role::server);
    open(1);
    expectStreamError(windowUpdate(1, 0), 1, ErrorCode::protocolError);
    expectConnectionError(windowUpdate(0, 0x8000'0000), ErrorCode::protocolError);
}

// §6.9.1

TEST_P(Flow, AWindowIsNotLargerThanItsNumber) {
    begin(Role::server);
    open(1);
    feed(windowUpdate(1, 0x7fff'ffff - 65'535) + windowUpdate(0, 0x7fff'ffff - 65'535));
    EXPECT_EQ(mux().sendWindow(), kMaxWindow);
    EXPECT_EQ(stream(1).sendWindow, kMaxWindow);
    expectStreamError(windowUpdate(1, 1), 1, ErrorCode::flowControlError);
    expectConnectionError(windowUpdate(0, 1), ErrorCode::flowControlError);
}

TEST_P(Flow, WeKeepToTheStreamsWindow) {
    begin(Role::server);
    feed(windowUpdate(0, 1'000'000));
    answerWithBody(open(1, true), {std::string(100'000, 'x'), true, {}});
    EXPECT_EQ(sentData(), 65'535U);
    EXPECT_EQ(stream(1).sendWindow, 0);
    feed(windowUpdate(1, 1));
    EXPECT_EQ(sentData(), 1U);
    feed(windowUpdate(1, 1'000'000));
    EXPECT_EQ(sentData(), 100'000U - 65'536U);
    EXPECT_EQ(mux().streams(), 0U);
    EXPECT_EQ(mux().sendWindow(), 1'065'535 - 100'000);
}

TEST_P(Flow, WeKeepToTheConnectionsWindow) {
    begin(Role::server, setting(SettingId::initialWindowSize, 1'000'000));
    open(1, true);
    open(3, true);
    answerWithBody(stream(1), {std::string(60'000, 'x'), true, {}});
    answerWithBody(stream(3), {std::string(60'000, 'x'), true, {}});
    EXPECT_EQ(sentData(), 65'535U);
    EXPECT_EQ(mux().sendWindow(), 0);
    EXPECT_FALSE(mux().wantsWrite());
    feed(windowUpdate(1, 1'000));
    EXPECT_EQ(sentData(), 0U);
    feed(windowUpdate(0, 1'000'000));
    EXPECT_TRUE(mux().wantsWrite());
    EXPECT_EQ(sentData(), 120'000U - 65'535U);
}

TEST_P(Flow, ThePeerKeepsToTheStreamsWindow) {
    begin(Role::server, {}, 1'000, 1'000'000);
    open(1);
    feedData(1, 1'000);
    EXPECT_FALSE(mux().wantsWrite());
    expectStreamError(data(1, "x"), 1, ErrorCode::flowControlError);
    open(3);
    expectStreamError(data(3, std::string(1'001, 'x')), 3, ErrorCode::flowControlError);
}

TEST_P(Flow, ThePeerKeepsToTheConnectionsWindow) {
    begin(Role::server, {}, 1'000'000, 100'000);
    open(1);
    open(3);
    feedData(1, 50'000);
    feedData(3, 50'000);
    EXPECT_FALSE(mux().terminated());
    expectConnectionError(data(1, "x"), ErrorCode::flowControlError);
}

TEST_P(Flow, FramesWithoutOctetsNeedNoWindow) {
    begin(Role::server, {}, 10, 100'000);
    open(1);
    feedData(1, 10);
    feed(data(1, "") + data(1, "", flag::endStream));
    EXPECT_EQ(last(calls()), "end 1");
    feed(settings(setting(SettingId::initialWindowSize, 0)));
    answerWithBody(stream(1), {"", true, {}});
    EXPECT_EQ(output(), (Lines{"SETTINGS ACK", "HEADERS 1", "DATA 1 END"}));
}

TEST_P(Flow, TrailersNeedNoWindow) {
    begin(Role::server, setting(SettingId::initialWindowSize, 4));
    answerWithBody(open(1, true), {"body", true, {{"sum", "1"}}});
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "DATA 1 body", "HEADERS 1 END"}));
}

// Whoever waits for the connection's window holds up no ends of others.
TEST_P(Flow, TheEndNeedsNoWindowOfTheConnection) {
    begin(Role::server, setting(SettingId::initialWindowSize, 1'000'000));
    answerWithBody(open(1, true), {std::string(70'000, 'x'), true, {}});
    EXPECT_EQ(sentData(), 65'535U);
    answerWithBody(open(3, true), {"", true, {}});
    EXPECT_EQ(output(), (Lines{"HEADERS 3", "DATA 3 END"}));
    answerWithBody(open(5, true), {"", true, {{"sum", "1"}}});
    EXPECT_EQ(output(), (Lines{"HEADERS 5", "HEADERS 5 END"}));
    answerWithBody(open(7, true), {"", false, {}, true});
    EXPECT_EQ(output(), (Lines{"HEADERS 7", "RST_STREAM 7 2"}));
    EXPECT_FALSE(mux().wantsWrite());
    feed(windowUpdate(0, 10'000));
    EXPECT_EQ(sentData(), 70'000U - 65'535U);
}

// What we grant

TEST_P(Flow, WhatIsConsumedIsGrantedByHalves) {
    begin(Role::server, {}, 1'000, 100'000);
    open(1);
    feedData(1, 900);
    mux().consume(stream(1), 499);
    EXPECT_EQ(output(), Lines{});
    mux().consume(stream(1), 1);
    EXPECT_EQ(output(), Lines{"WINDOW_UPDATE 1 500"});
    mux().consumeStream(stream(1), 400);
    feedData(1, 600);
    expectAlive();
    mux().consumeStream(stream(1), 600);
    EXPECT_EQ(output(), Lines{"WINDOW_UPDATE 1 1000"});
    mux().consumeConnection(49'499);
    EXPECT_EQ(output(), Lines{});
    mux().consumeConnection(1);
    EXPECT_EQ(output(), Lines{"WINDOW_UPDATE 0 50000"});
}

TEST_P(Flow, NothingIsGrantedBehindTheEndOfAStream) {
    begin(Role::server);
    open(1);
    feedData(1, 40'000);
    feed(data(1, "", flag::endStream));
    mux().consume(stream(1), 40'000);
    EXPECT_EQ(output(), Lines{"WINDOW_UPDATE 0 40000"});
}

TEST_P(Flow, PaddingIsGrantedBack) {
    begin(Role::server);
    open(1);
    for (int i = 0; i < 2'000; ++i)
        feed(data(1, '\x50' + std::string(0x50, '\0'), flag::padded));
    EXPECT_FALSE(stream(1).reset);
    EXPECT_EQ(stream(1).receiveWindow + stream(1).consumed, kDefaultWindow);
    feed(data(1, '\x50' + std::string(0x54, '\0'), flag::padded));
    EXPECT_EQ(stream(1).receiveWindow + stream(1).consumed, kDefaultWindow - 4);
    EXPECT_FALSE(mux().terminated());
}

// Far more than the window is.
TEST_P(Flow, WhatComesForAStreamThatIsOverIsGrantedBack) {
    begin(Role::server, {}, 1'000);
    mux().reset(open(1), ErrorCode::cancel);  // known to the peer later
    feedData(1, 100'000);
    EXPECT_EQ(output().front(), "RST_STREAM 1 8");
    feedData(1, 100'000);
    open(3).expect(10);
    feedData(3, 100'000);  // too long
    EXPECT_EQ(last(calls()), "dataFrame 1696");
    EXPECT_EQ(mux().streams(), 1U);
    output();
    feedData(3, 100'000);
    open(5);
    feedData(5, 100'000);  // against the stream's window
    mux().limitStreams(0);
    feed(headers(7, 0));
    feedData(7, 100'000);
    EXPECT_FALSE(mux().terminated());
}

TEST_P(Flow, WhatAHandlerHeldOfAResetStreamIsOfTheConnection) {
    begin(Role::server);
    Stream& stream = open(1);
    feedData(1, 40'000);
    mux().reset(stream, ErrorCode::cancel);
    mux().consume(stream, 40'000);
    EXPECT_EQ(output(), (Lines{"RST_STREAM 1 8", "WINDOW_UPDATE 0 40000"}));
}

TEST_P(Flow, NoWindowIsTooSmallToBeGranted) {
    begin(Role::server, {}, 1, 1);
    open(1);
    mux().consume(stream(1), 0);
    EXPECT_EQ(output(), Lines{});
}

// §6.9.2

TEST_P(Flow, AnotherInitialWindowIsOfTheStreamsThereAre) {
    begin(Role::server);
    feed(windowUpdate(0, 1'000'000));
    answerWithBody(open(1, true), {std::string(100'000, 'x'), true, {}});
    EXPECT_EQ(sentData(), 65'535U);
    feed(settings(setting(SettingId::initialWindowSize, 65'635)));
    EXPECT_EQ(sentData(), 100U);
    EXPECT_EQ(open(3).sendWindow, 65'635);
    feed(settings(setting(SettingId::initialWindowSize, 1'000)));
    EXPECT_EQ(stream(1).sendWindow, 1'000 - 65'635);
    feed(windowUpdate(1, 64'635));
    EXPECT_EQ(stream(1).sendWindow, 0);
    EXPECT_EQ(sentData(), 0U);
    feed(windowUpdate(1, 50));
    EXPECT_EQ(sentData(), 50U);
    EXPECT_EQ(mux().sendWindow(), 1'065'535 - 65'685);
}

TEST_P(Flow, AnotherInitialWindowMayNotBeTooMuch) {
    begin(Role::server);
    open(1);
    feed(windowUpdate(1, 1));
    feed(settings(setting(SettingId::initialWindowSize, 0x7fff'fffe)));
    EXPECT_EQ(stream(1).sendWindow, kMaxWindow);
    output();
    calls();
    expectConnectionError(settings(setting(SettingId::initialWindowSize, 0x7fff'ffff)),
                          ErrorCode::flowControlError);
}

TEST_P(Flow, ANegativeWindowMayBeOpened) {
    begin(Role::server);
    answerWithBody(open(1, true), {std::string(65'530, 'x'), false, {}});
    EXPECT_EQ(sentData(), 65'530U);
    feed(settings(setting(SettingId::initialWindowSize, 0)));
    EXPECT_EQ(stream(1).sendWindow, -65'530);
    log_.bodies[1] = {"more", true, {}};
    mux().resume(stream(1));
    feed(windowUpdate(0, 100'000));
    EXPECT_EQ(sentData(), 0U);
    feed(settings(setting(SettingId::initialWindowSize, 65'535)));
    EXPECT_EQ(sentData(), 4U);
}

// §6.5.3: what the peer has not seen yet it is not held to.

TEST_P(Flow, ASmallerWindowIsHeldToFromTheStart) {
    create(Role::server);
    mux().start({}, 1'000, 1'000'000);
    feed(std::string(kPreface) + settings() + headers(1, 0));
    feedData(1, 60'000);
    EXPECT_FALSE(stream(1).reset);
    mux().consume(stream(1), 60'000);
    feed(settingsAck());
    EXPECT_EQ(stream(1).receiveWindow, 1'000);
    output();
    expectStreamError(data(1, std::string(1'001, 'x')), 1, ErrorCode::flowControlError);
}

TEST_P(Flow, ASmallerWindowCountsOnceItIsSeen) {
    begin(Role::server, {}, 10'000, 1'000'000);
    open(1);
    mux().changeWindows(4'000, 1'000'000);
    EXPECT_EQ(output(), Lines{"SETTINGS 4=4000"});
    open(3);
    feedData(1, 10'000);
    feedData(3, 10'000);
    EXPECT_EQ(mux().streams(), 2U);
    EXPECT_FALSE(stream(1).reset);
    EXPECT_FALSE(stream(3).reset);
    feed(settingsAck());
    EXPECT_EQ(stream(1).receiveWindow, -6'000);
    mux().consume(stream(1), 10'000);
    EXPECT_EQ(output(), Lines{"WINDOW_UPDATE 1 10000"});
    feedData(1, 4'000);
    EXPECT_FALSE(stream(1).reset);
    EXPECT_EQ(open(5).receiveWindow, 4'000);
    expectStreamError(data(3, "x"), 3, ErrorCode::flowControlError);
}

TEST_P(Flow, ALargerWindowCountsAtOnce) {
    begin(Role::server, {}, 1'000, 1'000'000);
    open(1);
    mux().changeWindows(2'000, 1'000'000);
    feedData(1, 2'000);
    EXPECT_FALSE(stream(1).reset);
    EXPECT_EQ(open(3).receiveWindow, 2'000);
    feed(settingsAck());
    EXPECT_EQ(stream(3).receiveWindow, 2'000);
}

// What a stream owed was less than half of the window, and is more than all of it now: the peer
// waits for it, and nobody consumes anything that would say it.
TEST_P(Flow, ASmallerWindowLeavesNobodyWaiting) {
    begin(Role::server, {}, 60'000, 1'000'000);
    open(1);
    feedData(1, 25'000);
    mux().consume(stream(1), 25'000);
    EXPECT_EQ(output(), Lines{});
    mux().changeWindows(1'000, 1'000'000);
    EXPECT_EQ(output(), (Lines{"SETTINGS 4=1000", "WINDOW_UPDATE 1 25000"}));
    feed(settingsAck());
    EXPECT_EQ(stream(1).receiveWindow, 1'000);
}

TEST_P(Flow, ChangesAreAcknowledgedInOrder) {
    begin(Role::server, {}, 5'000, 1'000'000);
    open(1);
    mux().changeWindows(3'000, 1'000'000);
    mux().changeWindows(4'000, 1'000'000);
    mux().changeWindows(1'000, 1'000'000);
    open(3);
    EXPECT_GE(stream(1).receiveWindow, 5'000);
    EXPECT_GE(stream(3).receiveWindow, 5'000);
    feed(settingsAck());
    EXPECT_GE(stream(1).receiveWindow, 4'000);
    feed(settingsAck());
    EXPECT_GE(stream(1).receiveWindow, 4'000);
    feed(settingsAck());
    EXPECT_EQ(stream(1).receiveWindow, 1'000);
    EXPECT_EQ(stream(3).receiveWindow, 1'000);
    expectConnectionError(settingsAck(), ErrorCode::protocolError);
}

TEST_P(Flow, TheLargestChangesMayBeMany) {
    begin(Role::server, {}, 0x7fff'ffff, 1'000'000);
    for (int i = 0; i < 10; ++i) {
        mux().changeWindows(0, 1'000'000);
        mux().changeWindows(0x7fff'ffff, 1'000'000);
    }
    open(1);
    for (int i = 0; i < 20; ++i)
        feed(settingsAck());
    EXPECT_EQ(stream(1).receiveWindow, 0x7fff'ffff);
}

TEST_P(Flow, TheConnectionsWindowGrowsAtOnceAndShrinksByNotBeingGranted) {
    begin(Role::server, {}, 1'000'000, 100'000);
    mux().changeWindows(1'000'000, 150'000);
    EXPECT_EQ(output(), (Lines{"SETTINGS 4=1000000", "WINDOW_UPDATE 0 50000"}));
    mux().changeWindows(1'000'000, 100'000);
    EXPECT_EQ(output(), Lines{"SETTINGS 4=1000000"});
    open(1);
    feedData(1, 150'000);
    mux().consumeConnection(150'000);
    EXPECT_EQ(output(), Lines{"WINDOW_UPDATE 0 100000"});
    feedData(1, 100'000);
    EXPECT_FALSE(mux().terminated());
    expectConnectionError(data(1, "x"), ErrorCode::flowControlError);
}

TEST_P(Flow, ASmallConnectionWindowIsReachedFromTheDefault) {
    begin(Role::server, {}, 1'000'000, 1'000);
    open(1);
    feedData(1, 65'535);
    mux().consume(stream(1), 65'535);
    EXPECT_EQ(last(output()), "WINDOW_UPDATE 0 1000");
}

}  // namespace
}  // namespace evergate::http2
