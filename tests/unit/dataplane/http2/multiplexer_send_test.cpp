// SPDX-License-Identifier: Apache-2.0
// Bodies that are sent, in their order, and what a handler may do in its calls.
#include "tests/unit/dataplane/http2/multiplexer_harness.hpp"

namespace evergate::http2 {
namespace {

class Send : public MultiplexerTest {
protected:
    // The streams of the DATA frames that are sent.
    std::vector<std::uint32_t> turns() {
        std::vector<std::uint32_t> ids;
        for (const FrameText& frame : split(octets())) {
            if (frame.head.type == FrameType::data)
                ids.push_back(frame.head.stream);
        }
        return ids;
    }

    void openWith(std::uint32_t id, Priority priority, std::size_t size = 2 * kMaxFrame) {
        feed(headers(id, flag::endStream));
        mux().prioritize(stream(id), priority);
        answerWithBody(stream(id), {std::string(size, 'x'), true, {}});
    }

    bool done_ = false;
};

EVERGATE_WHOLE_AND_BY_OCTET(Send);

TEST_P(Send, ABodyIsCutIntoFrames) {
    begin(Role::server);
    answerWithBody(open(1, true), {std::string(40'000, 'x'), true, {}});
    std::vector<std::size_t> sizes;
    for (const FrameText& frame : split(octets()))
        sizes.push_back(frame.payload.size());
    ASSERT_EQ(sizes.size(), 4U);
    EXPECT_EQ(sizes[1] + sizes[2] + sizes[3], 40'000U);
    EXPECT_LE(std::max({sizes[1], sizes[2], sizes[3]}), kMaxFrame);
    EXPECT_EQ(calls(), (Lines{"end sent 1", "closed 1 0"}));
}

TEST_P(Send, ABodyMayBeEmpty) {
    begin(Role::server);
    answerWithBody(open(1, true), {"", true, {}});
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "DATA 1 END"}));
    answerWithBody(open(3, true), {"", true, {{"sum", "0"}}});
    EXPECT_EQ(output(), (Lines{"HEADERS 3", "HEADERS 3 END"}));
    EXPECT_EQ(mux().streams(), 0U);
}

TEST_P(Send, ABodyMayComeLater) {
    begin(Role::server);
    answerWithBody(open(1, true), {"one", false, {}});
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "DATA 1 one"}));
    EXPECT_FALSE(mux().wantsWrite());
    log_.bodies[1] = {"two", false, {}};
    mux().resume(stream(1));
    EXPECT_TRUE(mux().wantsWrite());
    EXPECT_EQ(output(), Lines{"DATA 1 two"});
    feed(windowUpdate(1, 100) + settings(setting(SettingId::initialWindowSize, 100'000)));
    EXPECT_EQ(output(), Lines{"SETTINGS ACK"});
    log_.bodies[1] = {"", true, {}};
    mux().resume(stream(1));
    mux().resume(stream(1));
    EXPECT_EQ(output(), Lines{"DATA 1 END"});
    EXPECT_EQ(calls(), (Lines{"settings", "end sent 1", "closed 1 0"}));
}

TEST_P(Send, ABodyThatBreaksOffIsReset) {
    begin(Role::server);
    answerWithBody(open(1, true), {"some", true, {}, true});
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "DATA 1 some", "RST_STREAM 1 2"}));
    EXPECT_EQ(calls(), Lines{"closed 1 2"});
}

TEST_P(Send, ARequestHasABodyAndTrailers) {
    begin(Role::client);
    log_.bodies[1] = {"body", true, {{"sum", "1"}}};
    const FieldTexts fields{{":method", "POST"}};
    ASSERT_NE(mux().request(nullptr, fieldsOf(fields), true), nullptr);
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "DATA 1 body", "HEADERS 1 END"}));
    EXPECT_EQ(calls(), Lines{"end sent 1"});
    EXPECT_EQ(mux().streams(), 1U);
}

TEST_P(Send, InterimAnswersComeFirst) {
    begin(Role::server);
    Stream& stream = open(1);
    answer(stream, false);
    answer(stream, false);
    answerWithBody(stream, {"body", true, {}});
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "HEADERS 1", "HEADERS 1", "DATA 1 END body"}));
    EXPECT_EQ(mux().streams(), 1U);
}

// RFC 9218

TEST_P(Send, TheMostUrgentIsFirst) {
    begin(Role::server);
    openWith(1, {5, false});
    openWith(3, {1, false});
    EXPECT_EQ(turns(), (std::vector<std::uint32_t>{3, 3, 1, 1}));
}

TEST_P(Send, OfTheSameUrgencyOneAfterTheOther) {
    begin(Role::server);
    openWith(3, {});
    openWith(5, {});
    EXPECT_EQ(turns(), (std::vector<std::uint32_t>{3, 3, 5, 5}));
}

TEST_P(Send, IncrementalOnesInTurn) {
    begin(Role::server);
    openWith(1, {3, true});
    openWith(3, {3, true});
    EXPECT_EQ(turns(), (std::vector<std::uint32_t>{1, 3, 1, 3}));
}

TEST_P(Send, APriorityUpdateCountsAtOnce) {
    begin(Role::server);
    openWith(1, {});
    openWith(3, {});
    feed(frame(FrameType::priorityUpdate, 0, 0, number(3) + "u=0"));
    EXPECT_EQ(turns(), (std::vector<std::uint32_t>{3, 3, 1, 1}));
}

TEST_P(Send, OneWithoutAWindowLetsTheOthersGo) {
    begin(Role::server, setting(SettingId::initialWindowSize, 100));
    openWith(1, {0, false}, 150);
    openWith(3, {7, true}, 50);
    EXPECT_EQ(turns(), (std::vector<std::uint32_t>{1, 3}));
    feed(windowUpdate(1, 50));
    EXPECT_EQ(turns(), (std::vector<std::uint32_t>{1}));
    EXPECT_EQ(mux().streams(), 0U);
}

TEST_P(Send, PriorityOfWhatIsNotSendingIsKept) {
    begin(Role::server);
    Stream& stream = open(1, true);
    mux().prioritize(stream, {6, false});
    EXPECT_FALSE(mux().wantsWrite());
    answer(stream, true);
    mux().prioritize(stream, {1, false});  // its END_STREAM is on its way
    EXPECT_EQ(output(), Lines{"HEADERS 1 END"});
}

// What was queued and what of it is out.
TEST_P(Send, CountsWhatIsOut) {
    begin(Role::server);
    const auto before = mux().queuedUpTo();
    EXPECT_EQ(mux().sentUpTo(), before);
    answer(open(1), false);
    const auto mark = mux().queuedUpTo();
    EXPECT_GT(mark, before);
    EXPECT_EQ(mux().queued(), mark - before);
    EXPECT_EQ(mux().sentUpTo(), before);
    char octet = 0;
    for (std::size_t i = mux().queued(); i > 0; --i)
        EXPECT_EQ(mux().send(&octet, 1), 1U);
    EXPECT_EQ(mux().sentUpTo(), mark);
}

// A handler's calls

// Each of its calls resets the stream it is about: no call but onClosed() follows, and only
// what was said before it is sent.
TEST_P(Send, AStreamMayBeResetInEveryCall) {
    const std::pair<const char*, Lines> kCases[] = {
        {"begin", {"opens 1", "closed 1 8"}},
        {"field", {"opens 1", "field 1 :method=GET", "closed 1 8"}},
        {"fields", {"opens 1", "field 1 :method=GET", "fields 1", "closed 1 8"}},
        {"data", {"opens 1", "field 1 :method=GET", "fields 1", "data 1 ", "closed 1 8"}},
        {"end",
         {"opens 1", "field 1 :method=GET", "fields 1", "data 1 body", "end 1", "closed 1 8"}},
    };
    for (const auto& [name, expected] : kCases) {
        begin(Role::server);
        log_.react = [&, call = std::string_view(name)](std::string_view now, Stream* stream) {
            if (now == call)
                mux().reset(*stream, ErrorCode::cancel);
        };
        feed(headers(1, 0, block({{":method", "GET"}, {"a", "b"}})) +
             data(1, "body", flag::endStream));
        EXPECT_EQ(output(), Lines{"RST_STREAM 1 8"});
        Lines heard = calls();
        std::erase_if(heard, [](const std::string& line) { return line.starts_with("dataFrame"); });
        for (std::string& line : heard) {  // how much of it came depends on the parts
            if (line.starts_with("data ") && name == std::string_view("data"))
                line.resize(7);
        }
        if (name != std::string_view("begin") && name != std::string_view("field"))
            std::erase(heard, "field 1 a=b");
        EXPECT_EQ(heard, expected) << name;
        EXPECT_EQ(mux().streams(), 0U);
        expectAlive();
        log_.react = [](std::string_view, Stream*) {};
    }
}

TEST_P(Send, AStreamMayBeResetWhenItsBodyIsAskedFor) {
    begin(Role::server);
    log_.react = [this](std::string_view now, Stream* stream) {
        if (now == "read")
            mux().reset(*stream, ErrorCode::cancel);
    };
    answerWithBody(open(1), {"body", true, {{"sum", "1"}}});
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "RST_STREAM 1 8"}));
    EXPECT_EQ(calls(), Lines{"closed 1 8"});
}

TEST_P(Send, AStreamMayBeResetWhenItsEndIsSent) {
    begin(Role::server);
    log_.react = [this](std::string_view now, Stream* stream) {
        if (now == "endSent")
            mux().reset(*stream, ErrorCode::noError);
    };
    answerWithBody(open(1), {"body", true, {}});
    EXPECT_EQ(output(), (Lines{"HEADERS 1", "DATA 1 END body", "RST_STREAM 1 0"}));
    answer(open(3, true), true);
    EXPECT_EQ(output(), (Lines{"HEADERS 3 END", "RST_STREAM 3 0"}));
    EXPECT_EQ(mux().streams(), 0U);
    expectAlive();
}

// Nothing can be said on it any more, whatever is asked for.
TEST_P(Send, AClosedStreamIsSilent) {
    begin(Role::server);
    log_.react = [this](std::string_view now, Stream* stream) {
        if (now != "closed")
            return;
        mux().reset(*stream, ErrorCode::cancel);
        answer(*stream, true);
        mux().resume(*stream);
        mux().consumeStream(*stream, 50'000);
        mux().prioritize(*stream, {0, true});
        mux().sendTrailers(*stream, {});
    };
    answer(open(1, true), true);
    EXPECT_EQ(output(), Lines{"HEADERS 1 END"});
    answerWithBody(open(3), {"body", false, {}});
    feed(resetStream(3, ErrorCode::cancel));
    EXPECT_EQ(output(), Lines{"HEADERS 3"});
    answer(open(5), true);
    output();
    feed(data(5, "", flag::endStream));
    EXPECT_EQ(output(), Lines{});
    EXPECT_EQ(mux().streams(), 0U);
    expectAlive();
}

TEST_P(Send, ABreachMayBeAnsweredByTheHandler) {
    begin(Role::server);
    log_.react = [this](std::string_view now, Stream* stream) {
        if (now == "breach" && stream != nullptr)
            mux().reset(*stream, ErrorCode::enhanceYourCalm);
        if (now == "breach" && stream == nullptr)
            mux().terminate(ErrorCode::internalError);
    };
    open(1);
    feed(windowUpdate(1, 0));
    EXPECT_EQ(output(), Lines{"RST_STREAM 1 11"});
    feed(data(0, "x"));
    EXPECT_EQ(output(), Lines{"GOAWAY 1 2"});
}

// Whichever call ends the connection is the last but for those of streams that end.
TEST_P(Send, TheConnectionMayBeEndedInEveryCall) {
    for (const std::string_view call :
         {"frame", "begin", "field", "fields", "data", "dataFrame", "end", "settings"}) {
        begin(Role::server);
        std::size_t after = 0;
        log_.react = [&](std::string_view now, Stream*) {
            after += mux().terminated() ? 1U : 0U;
            if (now == call)
                mux().terminate(ErrorCode::noError);
        };
        feed(settings() + headers(1, 0, block({{":method", "GET"}, {"a", "b"}})) +
             data(1, "body", flag::endStream) + headers(3, 0));
        EXPECT_TRUE(last(output()).starts_with("GOAWAY")) << call;
        EXPECT_EQ(after, 0U) << call;
        log_.react = [](std::string_view, Stream*) {};
    }
}

TEST_P(Send, AnswersMayBeGivenInEveryCall) {
    for (const std::string_view call : {"begin", "field", "fields", "data", "end"}) {
        begin(Role::server);
        log_.react = [&](std::string_view now, Stream* stream) {
            if (now == call && !std::exchange(done_, true))
                answerWithBody(*stream, {"answer", true, {{"sum", "1"}}});
        };
        done_ = false;
        feed(headers(1, 0) + data(1, "body", flag::endStream));
        EXPECT_EQ(output(), (Lines{"HEADERS 1", "DATA 1 answer", "HEADERS 1 END"})) << call;
        EXPECT_EQ(last(calls()), "closed 1 0");
        EXPECT_EQ(mux().streams(), 0U);
        log_.react = [](std::string_view, Stream*) {};
    }
}

TEST_P(Send, ANewRequestMayBeMadeWhenOneIsOver) {
    begin(Role::client, setting(SettingId::maxConcurrentStreams, 1));
    log_.react = [this](std::string_view now, Stream*) {
        if (now == "closed") {
            EXPECT_NE(mux().request(nullptr, {}, false), nullptr);
        }
    };
    ask();
    for (std::uint32_t id = 1; id < 9; id += 2)
        feed(headers(id, flag::endStream));
    EXPECT_EQ(output(),
              (Lines{"HEADERS 3 END", "HEADERS 5 END", "HEADERS 7 END", "HEADERS 9 END"}));
    EXPECT_EQ(mux().streams(), 1U);
}

}  // namespace
}  // namespace evergate::http2
