// SPDX-License-Identifier: Apache-2.0
// The preface, frames as such, and DATA: RFC 9113 §3.4, §4, §6.1, §8.1.1.
#include "tests/unit/dataplane/http2/multiplexer_harness.hpp"

namespace evergate::http2 {
namespace {

using namespace std::string_literals;

class Receive : public MultiplexerTest {};

EVERGATE_WHOLE_AND_BY_OCTET(Receive);

// §3.4

TEST_P(Receive, PrefaceAndSettingsComeFirst) {
    create(Role::server);
    mux().start({}, kDefaultWindow, kDefaultWindow);
    feed(std::string(kPreface) + settings());
    EXPECT_EQ(calls(), Lines{"settings"});
    EXPECT_EQ(output(), (Lines{"SETTINGS 4=65535", "SETTINGS ACK"}));
    feed(settingsAck());
    EXPECT_EQ(calls(), Lines{"settings ack"});
}

TEST_P(Receive, AClientSaysThePreface) {
    create(Role::client);
    mux().start({}, 100'000, kDefaultWindow);
    const std::string said = octets();
    EXPECT_EQ(said,
              std::string(kPreface) + settings(setting(SettingId::initialWindowSize, 100'000)));
    feed(settings());
    EXPECT_EQ(output(), Lines{"SETTINGS ACK"});
}

TEST_P(Receive, AnotherPrefaceEndsTheConnection) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{5}, kPreface.size() - 1}) {
        create(Role::server);
        mux().start({}, kDefaultWindow, kDefaultWindow);
        std::string preface(kPreface);
        preface[at] ^= 1;
        expectConnectionError(preface, ErrorCode::protocolError);
    }
}

TEST_P(Receive, SettingsMustBeTheFirstFrame) {
    for (const std::string& first :
         {headers(1, 0), settingsAck(), frame(FrameType::ping, 0, 0, "12345678"),
          frame(static_cast<FrameType>(0x77), 0, 0, "x"), windowUpdate(0, 1)}) {
        for (const Role role : {Role::server, Role::client}) {
            create(role);
            mux().start({}, kDefaultWindow, kDefaultWindow);
            if (role == Role::server)
                feed(kPreface);
            expectConnectionError(first, ErrorCode::protocolError);
        }
    }
}

// §4

TEST_P(Receive, UnknownFramesAreIgnored) {
    begin(Role::server);
    feed(frame(static_cast<FrameType>(0x77), 0xff, 0, std::string(kMaxFrame, 'x')));
    feed(frame(static_cast<FrameType>(0xff), 0, 3, ""));
    feed(frame(static_cast<FrameType>(0xa), 0, 1, "h3"));
    EXPECT_EQ(calls(), Lines{});
    expectAlive();
}

TEST_P(Receive, UnknownFlagsAndReservedBitsAreIgnored) {
    begin(Role::server);
    std::string bytes = headers(1, flag::endStream | 0x40 | 0x80 | 0x2);
    bytes[5] = '\x80';
    feed(bytes);
    EXPECT_EQ(last(calls()), "fields 1 last");
    feed(frame(FrameType::ping, 0xfe, 0, "12345678"));
    EXPECT_EQ(output(), Lines{"PING ACK 12345678"});
}

TEST_P(Receive, AFrameIsAsLongAsWeSaid) {
    begin(Role::server);
    feed(headers(1, 0));
    feed(data(1, std::string(kMaxFrame, 'x')));
    EXPECT_EQ(last(calls()), "dataFrame 16384");
    for (const FrameType type : {FrameType::data, FrameType::headers, FrameType::settings,
                                 FrameType::ping, static_cast<FrameType>(0x77)}) {
        begin(Role::server);
        feed(headers(1, 0));
        expectConnectionError(head(kMaxFrame + 1, type, 0, 1), ErrorCode::frameSizeError);
    }
}

TEST_P(Receive, EveryFrameOfTheRulesIsToldOf) {
    begin(Role::server);
    const std::size_t before = log_.frames;
    feed(headers(1, 0) + data(1, "abc") + windowUpdate(1, 1) +
         frame(static_cast<FrameType>(0x77), 0, 0, "x"));
    EXPECT_EQ(log_.frames, before + 4);
}

// §6.1

TEST_P(Receive, ABodyComesInFrames) {
    begin(Role::server);
    feed(headers(1, 0) + data(1, "hello ") + data(1, "") + data(1, "world", flag::endStream));
    EXPECT_EQ(calls(),
              (Lines{"opens 1", "field 1 :method=GET", "fields 1", "data 1 hello ", "dataFrame 6",
                     "dataFrame 0", "data 1 world", "dataFrame 5 last", "end 1"}));
}

TEST_P(Receive, AnEmptyFrameMayEndABody) {
    begin(Role::server);
    feed(headers(1, 0) + data(1, "", flag::endStream));
    EXPECT_EQ(calls(),
              (Lines{"opens 1", "field 1 :method=GET", "fields 1", "dataFrame 0 last", "end 1"}));
}

TEST_P(Receive, PaddingIsTakenOff) {
    begin(Role::server);
    open(1);
    feed(data(1, "\x03"s + "abc" + "\0\0\0"s, flag::padded));
    feed(data(1, "\x00"s + "def", flag::padded));
    feed(data(1, "\x02\0\0"s, flag::padded | flag::endStream));
    EXPECT_EQ(calls(), (Lines{"data 1 abc", "dataFrame 3", "data 1 def", "dataFrame 3",
                              "dataFrame 0 last", "end 1"}));
}

TEST_P(Receive, PaddingIsNotLongerThanItsFrame) {
    for (const std::string& payload : {"\x01"s, "\x05" + "abcd"s, "\xff\0\0"s}) {
        begin(Role::server);
        open(1);
        expectConnectionError(data(1, payload, flag::padded), ErrorCode::protocolError);
    }
    begin(Role::server);
    open(1);
    expectConnectionError(data(1, "", flag::padded), ErrorCode::frameSizeError);
}

TEST_P(Receive, DataIsOfAStream) {
    for (const Role role : {Role::server, Role::client}) {
        begin(role);
        expectConnectionError(data(0, "x"), ErrorCode::protocolError);
    }
}

// §8.1.1

TEST_P(Receive, ABodyMayBeAsLongAsAnnounced) {
    begin(Role::server);
    open(1).expect(5);
    feed(data(1, "he") + data(1, "llo", flag::endStream));
    EXPECT_EQ(last(calls()), "end 1");
    open(3).expect(5);
    feed(data(3, "hello") + headers(3, flag::endStream, block({{"x", "y"}})));
    EXPECT_EQ(last(calls()), "fields 3 last");
    open(5).expect(0);
    feed(data(5, "") + data(5, "", flag::endStream));
    EXPECT_EQ(last(calls()), "end 5");
}

TEST_P(Receive, ABodyMayNotBeShorterThanAnnounced) {
    begin(Role::server);
    open(1).expect(5);
    expectStreamError(data(1, "hell", flag::endStream), 1, ErrorCode::protocolError);
    open(3).expect(5);
    expectStreamError(data(3, "hell") + data(3, "", flag::endStream), 3, ErrorCode::protocolError);
    open(5).expect(5);
    expectStreamError(data(5, "hell") + headers(5, flag::endStream, block({{"x", "y"}})), 5,
                      ErrorCode::protocolError);
}

TEST_P(Receive, ABodyMayNotBeLongerThanAnnounced) {
    begin(Role::server);
    open(1).expect(5);
    expectStreamError(data(1, "hello!"), 1, ErrorCode::protocolError);
    open(3).expect(0);
    expectStreamError(data(3, "x", flag::endStream), 3, ErrorCode::protocolError);
    begin(Role::client);
    ask().expect(5);
    feed(headers(1, 0, block({{":status", "200"}})));
    expectStreamError(data(1, "hello") + data(1, "!", flag::endStream), 1,
                      ErrorCode::protocolError);
}

// Nothing of a frame that is too long is passed on, in whatever parts it comes.
TEST_P(Receive, AFrameThatIsTooLongIsNotHeard) {
    begin(Role::server);
    open(1).expect(5);
    feed(data(1, "he") + data(1, "llo!"));
    EXPECT_EQ(calls(), (Lines{"data 1 he", "dataFrame 2", "breach stream 1", "dataFrame 4"}));
    open(3).expect(2);
    feed(data(3, "\x01"s + "abc" + "\0"s, flag::padded));
    EXPECT_EQ(calls(), (Lines{"breach stream 3", "dataFrame 3"}));
}

TEST_P(Receive, PaddingIsNoneOfTheLength) {
    begin(Role::server);
    open(1).expect(3);
    feed(data(1, "\x04"s + "abc" + "\0\0\0\0"s, flag::padded | flag::endStream));
    EXPECT_EQ(last(calls()), "end 1");
}

// A length that is known before a request is over is held against its END_STREAM at once.
TEST_P(Receive, ARequestWithoutABodyThatAnnouncedOneIsMalformed) {
    begin(Role::server);
    log_.react = [](std::string_view call, Stream* stream) {
        if (call == "field")
            stream->expect(5);
    };
    feed(headers(1, flag::endStream));
    EXPECT_EQ(last(calls()), "breach stream 1");
    EXPECT_EQ(output(), Lines{"RST_STREAM 1 1"});
}

}  // namespace
}  // namespace evergate::http2
