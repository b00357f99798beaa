// SPDX-License-Identifier: Apache-2.0
// Header blocks: RFC 9113 §4.3, §6.2, §6.10, §8.1.
#include "tests/unit/dataplane/http2/multiplexer_harness.hpp"

namespace evergate::http2 {
namespace {

using namespace std::string_literals;

std::string continuation(std::uint32_t stream, std::string_view part, bool last) {
    return frame(FrameType::continuation, last ? flag::endHeaders : 0U, stream, part);
}

class Headers : public MultiplexerTest {
protected:
    // A block that is cut at every place into two frames.
    void feedInParts(std::uint32_t id, const std::string& block, std::size_t at) {
        feed(frame(FrameType::headers, flag::endStream, id, block.substr(0, at)));
        EXPECT_TRUE(mux().inHeaders());
        feed(continuation(id, block.substr(at), true));
        EXPECT_FALSE(mux().inHeaders());
    }
};

EVERGATE_WHOLE_AND_BY_OCTET(Headers);

// §6.2

TEST_P(Headers, OpenAStream) {
    begin(Role::server);
    feed(headers(1, 0, block({{":method", "POST"}, {"x", ""}})));
    EXPECT_EQ(calls(), (Lines{"opens 1", "field 1 :method=POST", "field 1 x=", "fields 1"}));
    EXPECT_EQ(mux().streams(), 1U);
}

TEST_P(Headers, MayBeEmpty) {
    begin(Role::server);
    feed(headers(1, flag::endStream, ""));
    EXPECT_EQ(calls(), (Lines{"opens 1", "fields 1 last"}));
}

TEST_P(Headers, AreOfAStream) {
    for (const Role role : {Role::server, Role::client}) {
        begin(role);
        expectConnectionError(headers(0, 0), ErrorCode::protocolError);
    }
}

TEST_P(Headers, MayHavePaddingAndPriority) {
    begin(Role::server);
    feed(headers(1, flag::padded, "\x02" + request() + "\0\0"s));
    feed(headers(3, flag::priority, number(0x8000'0001) + "\x05" + request()));
    feed(headers(5, flag::padded | flag::priority, "\x01" + number(0) + "\x05" + request() + "p"));
    feed(headers(7, flag::padded, "\x00"s + request()));
    feed(headers(9, flag::padded, "\x02xx"));
    EXPECT_EQ(calls(),
              (Lines{"opens 1", "field 1 :method=GET", "fields 1", "opens 3", "field 3 :method=GET",
                     "fields 3", "opens 5", "field 5 :method=GET", "fields 5", "opens 7",
                     "field 7 :method=GET", "fields 7", "opens 9", "fields 9"}));
}

struct Broken {
    std::uint32_t flags;
    std::string payload;
    ErrorCode code;
};

TEST_P(Headers, HaveRoomForPaddingAndPriority) {
    const Broken kBroken[] = {
        {flag::padded, "", ErrorCode::frameSizeError},
        {flag::padded, "\x01", ErrorCode::protocolError},
        {flag::padded,
         "\x04"
         "abc",
         ErrorCode::protocolError},
        {flag::priority, "", ErrorCode::frameSizeError},
        {flag::priority, "1234", ErrorCode::frameSizeError},
        {flag::priority | flag::padded,
         "\x00"
         "1234"s,
         ErrorCode::frameSizeError},
        {flag::priority | flag::padded, "\x01"s + "12345", ErrorCode::protocolError},
        {flag::priority, number(1) + "x", ErrorCode::protocolError},  // depends on itself
    };
    for (const Broken& broken : kBroken) {
        begin(Role::server);
        expectConnectionError(headers(1, broken.flags, broken.payload), broken.code);
    }
}

// §4.3

TEST_P(Headers, ThatCannotBeUnpackedEndTheConnection) {
    begin(Role::server);
    expectConnectionError(headers(1, 0, "\xff"), ErrorCode::compressionError);
    begin(Role::server);
    expectConnectionError(headers(1, 0, "\xc0"), ErrorCode::compressionError);
    begin(Role::server);
    mux().reset(open(1), ErrorCode::cancel);
    output();
    expectConnectionError(headers(1, flag::endStream, "\x80"), ErrorCode::compressionError);
    begin(Role::server);
    mux().limitStreams(0);
    expectConnectionError(headers(1, 0, "\x80"), ErrorCode::compressionError);
}

TEST_P(Headers, ShareOneTable) {
    begin(Role::server);
    feed(headers(1, 0, "\x40\x01n\x01v"));
    feed(headers(3, 0, "\xbe"));
    feed(headers(1, flag::endStream, "\xbe"));
    EXPECT_EQ(calls(), (Lines{"opens 1", "field 1 n=v", "fields 1", "opens 3", "field 3 n=v",
                              "fields 3", "begins 1", "field 1 n=v", "fields 1 last"}));
    mux().rest();
    feed(headers(5, 0, "\xbe"));
    EXPECT_EQ(last(calls()), "fields 5");
}

TEST_P(Headers, AHandlerThatHasEnoughEndsTheConnection) {
    begin(Role::server);
    log_.takesFields = false;
    expectConnectionError(headers(1, 0, block({{"a", "1"}, {"b", "2"}})),
                          ErrorCode::enhanceYourCalm, "breach headerFlood");
}

// §6.10

TEST_P(Headers, GoOnInMoreFrames) {
    const std::string text = block({{":method", "GET"}, {"name", "value"}});
    for (std::size_t at = 0; at <= text.size(); ++at) {
        begin(Role::server);
        feedInParts(1, text, at);
        EXPECT_EQ(calls(),
                  (Lines{"opens 1", "field 1 :method=GET", "field 1 name=value", "fields 1 last"}));
    }
}

TEST_P(Headers, GoOnInManyFrames) {
    begin(Role::server);
    const std::string text = request();
    feed(frame(FrameType::headers, flag::padded, 1, "\x01" + text.substr(0, 1) + "p"));
    for (std::size_t i = 1; i < text.size(); ++i)
        feed(continuation(1, text.substr(i, 1), false));
    EXPECT_EQ(calls(), Lines{"opens 1"});
    feed(continuation(1, "", true));
    EXPECT_EQ(calls(), (Lines{"field 1 :method=GET", "fields 1"}));
}

TEST_P(Headers, AreNotInterrupted) {
    for (const std::string& other :
         {data(1, "x"), headers(3, 0), headers(1, 0), frame(FrameType::ping, 0, 0, "12345678"),
          settings(), windowUpdate(0, 1), continuation(3, "", true), continuation(0, "", true),
          frame(static_cast<FrameType>(0x77), 0, 1, "x"), goaway(0, ErrorCode::noError)}) {
        begin(Role::server);
        feed(frame(FrameType::headers, 0, 1, request()));
        EXPECT_EQ(last(calls()), "opens 1");
        expectConnectionError(other, ErrorCode::protocolError);
    }
}

TEST_P(Headers, AreWhatAContinuationContinues) {
    for (const std::uint32_t id : {0U, 1U, 3U}) {
        begin(Role::server);
        open(1);
        expectConnectionError(continuation(id, request(), true), ErrorCode::protocolError);
    }
}

TEST_P(Headers, WithoutEndAreAFlood) {
    begin(Role::server);
    mux().limitBlocks(100);
    feed(frame(FrameType::headers, 0, 1, std::string(50, 'x')));
    feed(continuation(1, std::string(50, 'x'), false));
    EXPECT_FALSE(mux().terminated());
    expectConnectionError(continuation(1, "x", true), ErrorCode::enhanceYourCalm,
                          "breach headerFlood");
}

// Two octets bring back what one field said once.
TEST_P(Headers, ThatNobodyHearsAreNoBombs) {
    begin(Role::server);
    mux().limitStreams(0);
    mux().limitBlocks(10'000);
    std::string block = "\x40\x01n\x7f\xa1\x0f" + std::string(2'080, 'v');
    feed(headers(1, flag::endStream, block + std::string(3, '\xbe')));
    EXPECT_FALSE(mux().terminated());
    expectConnectionError(headers(3, flag::endStream, std::string(5, '\xbe')),
                          ErrorCode::enhanceYourCalm, "breach headerFlood");
}

TEST_P(Headers, MayBeResetBetweenTheirFrames) {
    begin(Role::server);
    feed(frame(FrameType::headers, 0, 1, "\x40\x01n\x01v"));
    mux().reset(stream(1), ErrorCode::cancel);
    EXPECT_EQ(output(), Lines{"RST_STREAM 1 8"});
    mux().rest();
    EXPECT_EQ(calls(), (Lines{"opens 1", "closed 1 8"}));
    feed(continuation(1, "", true));
    EXPECT_EQ(calls(), Lines{});
    feed(headers(3, 0, "\xbe"));
    EXPECT_EQ(last(calls()), "fields 3");
}

TEST_P(Headers, RestMayComeBetweenAllOctets) {
    begin(Role::server);
    const std::string bytes = frame(FrameType::headers, 0, 1, "\x40\x01n\x01v") +
                              continuation(1, "\xbe", false) + continuation(1, request(), true) +
                              data(1, "body", flag::endStream) +
                              headers(3, flag::endStream, "\xbe");
    for (const char octet : bytes) {
        feed({&octet, 1});
        mux().rest();
    }
    EXPECT_EQ(calls(), (Lines{"opens 1", "field 1 n=v", "field 1 n=v", "field 1 :method=GET",
                              "fields 1", "data 1 body", "dataFrame 4 last", "end 1", "opens 3",
                              "field 3 n=v", "fields 3 last"}));
}

TEST_P(Headers, OnTheirWayAreSeen) {
    begin(Role::server);
    EXPECT_FALSE(mux().inHeaders());
    feed(headers(1, 0).substr(0, kFrameHead + 2));
    EXPECT_TRUE(mux().inHeaders());
    feed(headers(1, 0).substr(kFrameHead + 2));
    EXPECT_FALSE(mux().inHeaders());
}

// §8.1

TEST_P(Headers, TrailersEndARequest) {
    begin(Role::server);
    open(1);
    feed(data(1, "x") + headers(1, flag::endStream, block({{"sum", "1"}})));
    EXPECT_EQ(calls(),
              (Lines{"data 1 x", "dataFrame 1", "begins 1", "field 1 sum=1", "fields 1 last"}));
    open(3);
    expectStreamError(headers(3, 0, block({{"sum", "1"}})), 3, ErrorCode::protocolError);
}

TEST_P(Headers, AnswersHaveInterimOnesAndTrailers) {
    begin(Role::client);
    ask();
    feed(headers(1, 0, block({{":status", "103"}})) + headers(1, 0, block({{":status", "200"}})) +
         data(1, "x") + headers(1, flag::endStream, block({{"sum", "1"}})));
    EXPECT_EQ(calls(), (Lines{"begins 1", "field 1 :status=103", "fields 1", "begins 1",
                              "field 1 :status=200", "fields 1", "data 1 x", "dataFrame 1",
                              "begins 1", "field 1 sum=1", "fields 1 last", "closed 1 0"}));
}

// What is sent

class SentHeaders : public MultiplexerTest {
protected:
    // Of the only block that is sent, which may be of several frames.
    FieldTexts sent(Lines& frames) {
        std::string block;
        for (const FrameText& frame : split(octets())) {
            EXPECT_LE(frame.payload.size(), kMaxFrame);
            frames.push_back(describe(frame));
            block += frame.payload;
        }
        return reader_.read(block);
    }

    BlockReader reader_;
};

EVERGATE_WHOLE_AND_BY_OCTET(SentHeaders);

TEST_P(SentHeaders, AreWhatWasGiven) {
    begin(Role::server);
    const FieldTexts fields{{":status", "200"}, {"x", ""}, {"name", "a value"}};
    for (std::uint32_t id = 1; id < 9; id += 2) {
        mux().respond(open(id, true), fieldsOf(fields), true);
        Lines frames;
        EXPECT_EQ(sent(frames), fields);
        EXPECT_EQ(frames, Lines{"HEADERS " + std::to_string(id) + " END"});
        mux().rest();
    }
}

TEST_P(SentHeaders, AreCutIntoFrames) {
    for (const std::size_t size : {16'000U, 16'378U, 16'379U, 16'380U, 16'381U, 16'384U, 32'740U,
                                   32'768U, 50'000U, 300'000U}) {
        begin(Role::server);
        reader_ = BlockReader();
        const FieldTexts fields{{":status", "200"}, {"large", std::string(size, '\x01')}};
        mux().respond(open(1, true), fieldsOf(fields), true);
        Lines frames;
        EXPECT_EQ(sent(frames), fields) << size;
        ASSERT_FALSE(frames.empty());
        if (frames.size() == 1) {
            EXPECT_EQ(frames[0], "HEADERS 1 END");
            continue;
        }
        EXPECT_EQ(frames[0], "HEADERS 1 END ...");
        for (std::size_t i = 1; i + 1 < frames.size(); ++i)
            EXPECT_EQ(frames[i], "CONTINUATION 1 ...");
        EXPECT_EQ(frames.back(), "CONTINUATION 1");
        EXPECT_EQ(frames.size(), (size + 16 + kMaxFrame) / kMaxFrame) << size;
    }
}

TEST_P(SentHeaders, OfARequestAreCutIntoFrames) {
    begin(Role::client);
    const FieldTexts fields{{":method", "GET"}, {"large", std::string(20'000, 'x')}};
    ASSERT_NE(mux().request(nullptr, fieldsOf(fields), false), nullptr);
    Lines frames;
    EXPECT_EQ(sent(frames), fields);
    EXPECT_EQ(frames, (Lines{"HEADERS 1 END ...", "CONTINUATION 1"}));
}

TEST_P(SentHeaders, AreWholeInWhateverRoomThereIs) {
    begin(Role::server);
    const FieldTexts fields{{":status", "200"}, {"large", std::string(40'000, 'x')}};
    mux().respond(open(1, true), fieldsOf(fields), true);
    std::string all;
    char part[97];
    while (const std::size_t size = mux().send(part, sizeof part))
        all.append(part, size);
    std::string block;
    for (const FrameText& frame : split(all))
        block += frame.payload;
    EXPECT_EQ(reader_.read(block), fields);
}

}  // namespace
}  // namespace evergate::http2
