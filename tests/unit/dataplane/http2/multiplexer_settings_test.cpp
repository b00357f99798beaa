// SPDX-License-Identifier: Apache-2.0
// SETTINGS, PING, GOAWAY, PRIORITY: RFC 9113 §6.3, §6.5, §6.7, §6.8; RFC 8441 §3; RFC 9218 §2, §7.
#include "tests/unit/dataplane/http2/multiplexer_harness.hpp"

namespace evergate::http2 {
namespace {

class Settings : public MultiplexerTest {};

EVERGATE_WHOLE_AND_BY_OCTET(Settings);

// §6.5

TEST_P(Settings, AreAcknowledged) {
    begin(Role::server);
    feed(settings());
    EXPECT_EQ(calls(), Lines{"settings"});
    EXPECT_EQ(output(), Lines{"SETTINGS ACK"});
    feed(settings(setting(static_cast<SettingId>(0x7777), 5) + setting(SettingId{}, 5)));
    EXPECT_EQ(output(), Lines{"SETTINGS ACK"});
}

TEST_P(Settings, AreOfTheConnection) {
    for (const std::uint32_t flags : {0U, 1U}) {
        begin(Role::server);
        open(1);
        expectConnectionError(frame(FrameType::settings, flags, 1), ErrorCode::protocolError);
    }
}

TEST_P(Settings, HaveSixOctetsEach) {
    for (const std::size_t size : {1U, 5U, 7U}) {
        begin(Role::server);
        expectConnectionError(settings(std::string(size, '\0')), ErrorCode::frameSizeError);
    }
}

TEST_P(Settings, AnAckIsEmpty) {
    begin(Role::server);
    mux().changeWindows(70'000, kDefaultWindow);
    expectConnectionError(
        frame(FrameType::settings, flag::ack, 0, setting(SettingId::maxFrameSize, kMaxFrame)),
        ErrorCode::frameSizeError);
}

TEST_P(Settings, AnAckIsOfSomething) {
    begin(Role::server);
    expectConnectionError(settingsAck(), ErrorCode::protocolError);
}

struct Bad {
    SettingId id;
    std::uint32_t value;
    ErrorCode code;
};

// §6.5.2
TEST_P(Settings, HaveValuesThatCannotBe) {
    constexpr Bad kBad[] = {
        {SettingId::enablePush, 2, ErrorCode::protocolError},
        {SettingId::initialWindowSize, 0x8000'0000, ErrorCode::flowControlError},
        {SettingId::initialWindowSize, 0xffff'ffff, ErrorCode::flowControlError},
        {SettingId::maxFrameSize, kMaxFrame - 1, ErrorCode::protocolError},
        {SettingId::maxFrameSize, 0x100'0000, ErrorCode::protocolError},
        {SettingId::enableConnectProtocol, 2, ErrorCode::protocolError},
        {SettingId::noRfc7540Priorities, 2, ErrorCode::protocolError},
    };
    for (const Role role : {Role::server, Role::client}) {
        for (const Bad& bad : kBad) {
            begin(role);
            expectConnectionError(settings(setting(bad.id, bad.value)), bad.code);
        }
    }
}

TEST_P(Settings, HaveValuesThatCanBe) {
    for (const Role role : {Role::server, Role::client}) {
        begin(role);
        feed(settings(setting(SettingId::maxFrameSize, kMaxFrame) +
                      setting(SettingId::maxFrameSize, 0xff'ffff) +
                      setting(SettingId::initialWindowSize, 0x7fff'ffff) +
                      setting(SettingId::enablePush, 0) +
                      setting(SettingId::maxHeaderListSize, 0xffff'ffff) +
                      setting(SettingId::noRfc7540Priorities, 1) +
                      setting(SettingId::headerTableSize, 0xffff'ffff)));
        EXPECT_EQ(output(), Lines{"SETTINGS ACK"});
        expectAlive();
    }
}

TEST_P(Settings, OnlyAClientMayAllowPushes) {
    begin(Role::server, setting(SettingId::enablePush, 1));
    expectAlive();
    begin(Role::client);
    expectConnectionError(settings(setting(SettingId::enablePush, 1)), ErrorCode::protocolError);
}

// RFC 8441 §3
TEST_P(Settings, ConnectIsAllowedForGood) {
    begin(Role::client);
    EXPECT_FALSE(mux().peerAllowsConnect());
    feed(settings(setting(SettingId::enableConnectProtocol, 0)));
    EXPECT_FALSE(mux().peerAllowsConnect());
    feed(settings(setting(SettingId::enableConnectProtocol, 1)));
    EXPECT_TRUE(mux().peerAllowsConnect());
    feed(settings(setting(SettingId::enableConnectProtocol, 1)));
    output();
    calls();
    expectConnectionError(settings(setting(SettingId::enableConnectProtocol, 0)),
                          ErrorCode::protocolError);
}

TEST_P(Settings, TheLastOfTwoCounts) {
    begin(Role::client, setting(SettingId::maxConcurrentStreams, 1) +
                            setting(SettingId::maxConcurrentStreams, 7));
    EXPECT_EQ(mux().peerMaxStreams(), 7U);
}

// The encoder says what became of the table (RFC 7541 §4.2).
TEST_P(Settings, ASmallerTableIsSaidInTheNextBlock) {
    begin(Role::server, setting(SettingId::headerTableSize, 0));
    answer(open(1, true), true);
    const auto frames = split(octets());
    ASSERT_EQ(frames.size(), 1U);
    ASSERT_FALSE(frames[0].payload.empty());
    EXPECT_EQ(frames[0].payload[0], '\x20');
}

TEST_P(Settings, OursAreSaidAsTheyAre) {
    create(Role::server);
    const Setting said[] = {{SettingId::maxConcurrentStreams, 100},
                            {SettingId::enableConnectProtocol, 1}};
    mux().start(said, 1'000, 100'000);
    EXPECT_EQ(output(), (Lines{"SETTINGS 3=100 8=1 4=1000", "WINDOW_UPDATE 0 34465"}));
}

// §6.7

TEST_P(Settings, APingIsAnswered) {
    begin(Role::server);
    feed(frame(FrameType::ping, 0, 0, "abcdefgh"));
    EXPECT_EQ(output(), Lines{"PING ACK abcdefgh"});
    feed(frame(FrameType::ping, flag::ack, 0, "abcdefgh"));
    EXPECT_EQ(output(), Lines{});
    EXPECT_EQ(calls(), Lines{});
}

TEST_P(Settings, APingHasEightOctets) {
    for (const std::size_t size : {0U, 7U, 9U}) {
        for (const std::uint32_t flags : {0U, 1U}) {
            begin(Role::server);
            expectConnectionError(frame(FrameType::ping, flags, 0, std::string(size, 'x')),
                                  ErrorCode::frameSizeError);
        }
    }
}

TEST_P(Settings, APingIsOfTheConnection) {
    begin(Role::server);
    open(1);
    expectConnectionError(frame(FrameType::ping, 0, 1, "abcdefgh"), ErrorCode::protocolError);
}

TEST_P(Settings, AnswersThatNobodyReadsEndTheConnection) {
    for (const std::string& asks : {frame(FrameType::ping, 0, 0, "abcdefgh"), settings()}) {
        begin(Role::server);
        for (int i = 0; i < 1'000; ++i)
            feed(asks);
        EXPECT_FALSE(mux().terminated());
        output();  // which is read
        for (int i = 0; i < 1'000; ++i)
            feed(asks);
        EXPECT_FALSE(mux().terminated());
        calls();
        feed(asks);
        EXPECT_EQ(calls(), Lines{"breach unanswered"});
        EXPECT_EQ(last(output()), "GOAWAY 0 11");
    }
}

TEST_P(Settings, AnswersAreNotCountedAsSent) {
    begin(Role::server);
    mux().takeSent();
    feed(frame(FrameType::ping, 0, 0, "abcdefgh") + settings());
    EXPECT_EQ(mux().takeSent().frames, 0U);
    answerWithBody(open(1, true), {"body", true, {}});
    output();
    const auto sent = mux().takeSent();
    EXPECT_EQ(sent.frames, 2U);
    EXPECT_EQ(sent.data, 1U);
    EXPECT_EQ(mux().takeSent().frames, 0U);
}

// §6.3

TEST_P(Settings, APriorityHasFiveOctets) {
    for (const std::size_t size : {0U, 4U, 6U}) {
        begin(Role::server);
        expectConnectionError(frame(FrameType::priority, 0, 1, std::string(size, '\0')),
                              ErrorCode::frameSizeError);
    }
}

TEST_P(Settings, APriorityIsOfAStream) {
    begin(Role::server);
    expectConnectionError(frame(FrameType::priority, 0, 0, number(1) + "x"),
                          ErrorCode::protocolError);
    begin(Role::server);
    expectConnectionError(frame(FrameType::priority, 0, 5, number(0x8000'0005) + "x"),
                          ErrorCode::protocolError);
}

TEST_P(Settings, AreNotThousands) {
    begin(Role::server);
    std::string many;
    for (int i = 0; i < 32; ++i)
        many += setting(SettingId::initialWindowSize, i % 2 == 0 ? 1 : 100'000);
    feed(settings(many));
    EXPECT_FALSE(mux().terminated());
    expectConnectionError(settings(many + setting(SettingId::initialWindowSize, 1)),
                          ErrorCode::enhanceYourCalm, "breach settings");
}

// RFC 9218 §7.1

std::string update(std::uint32_t stream, std::string_view value, std::uint32_t carrier = 0) {
    return frame(FrameType::priorityUpdate, 0, carrier, number(stream).append(value));
}

TEST_P(Settings, APriorityUpdateChangesAStream) {
    begin(Role::server);
    Stream& stream = open(1);
    feed(update(1, "u=1, i"));
    EXPECT_EQ(stream.priority.urgency, 1);
    EXPECT_TRUE(stream.priority.incremental);
    feed(update(1, ""));
    EXPECT_EQ(stream.priority.urgency, 3);
    feed(update(0x8000'0001, "u=7"));
    EXPECT_EQ(stream.priority.urgency, 7);
    feed(resetStream(1, ErrorCode::cancel) + update(1, "u=0"));
    expectAlive();
}

// And goes before what the request itself says.
TEST_P(Settings, APriorityUpdateMayComeFirst) {
    begin(Role::server);
    feed(update(3, "u=2") + update(5, "u=1") + update(5, "u=0, i"));
    mux().prioritize(open(1), {.urgency = 6});
    EXPECT_EQ(stream(1).priority.urgency, 6);
    mux().prioritize(open(5), {.urgency = 6});
    EXPECT_EQ(stream(5).priority.urgency, 0);
    EXPECT_TRUE(stream(5).priority.incremental);
    expectConnectionError(update(4, "u=1"), ErrorCode::protocolError);
}

TEST_P(Settings, OfEarlyPriorityUpdatesTheLastAreKept) {
    begin(Role::server);
    for (std::uint32_t id = 1; id < 61; id += 2)
        feed(update(id, "u=1"));
    EXPECT_EQ(open(1).priority.urgency, 3);
    EXPECT_EQ(open(59).priority.urgency, 1);
}

TEST_P(Settings, APriorityUpdateIsOfTheConnection) {
    begin(Role::server);
    open(1);
    expectConnectionError(update(1, "u=1", 1), ErrorCode::protocolError);
}

TEST_P(Settings, APriorityUpdateIsAboutAStream) {
    begin(Role::server);
    expectConnectionError(update(0, "u=1"), ErrorCode::protocolError);
    begin(Role::server);
    expectConnectionError(frame(FrameType::priorityUpdate, 0, 0, "\0\0\0"),
                          ErrorCode::frameSizeError);
}

TEST_P(Settings, AServerHasNoPriorities) {
    begin(Role::client);
    ask();
    expectConnectionError(update(1, "u=1"), ErrorCode::protocolError);
}

}  // namespace
}  // namespace evergate::http2
