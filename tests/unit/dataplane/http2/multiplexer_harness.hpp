// SPDX-License-Identifier: Apache-2.0
// For tests: a Multiplexer whose calls are lines of text, which is fed in parts of one size. A test
// runs once for whole frames and once octet by octet, and expects the same.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/http2/multiplexer.hpp"
#include "tests/unit/dataplane/http2/frame_texts.hpp"

namespace evergate::http2 {

using Role = Multiplexer::Role;
using Piece = Multiplexer::Piece;

// Views of `texts`.
inline std::vector<hpack::Field> fieldsOf(const FieldTexts& texts) {
    std::vector<hpack::Field> fields;
    for (const auto& [name, value] : texts)
        fields.push_back({name, value});
    return fields;
}

// A body that is sent.
struct Body {
    std::string text;
    bool finished = true;  // false: there is more later
    FieldTexts trailers;
    bool broken = false;
};

class Recorder final : public Multiplexer::Handler {
public:
    Lines lines;
    std::size_t frames = 0;
    std::size_t unheard = 0;
    bool takesFields = true;
    std::map<std::uint32_t, Body> bodies;
    Multiplexer* multiplexer = nullptr;
    // What a test does within a call: its name, and its stream if it has one.
    std::function<void(std::string_view call, Stream*)> react = [](std::string_view, Stream*) {};

    void onFrame(const FrameHead&) override {
        ++frames;
        react("frame", nullptr);
    }

    void onUnheard() override { ++unheard; }

    void onDataFrame(std::size_t size, bool last) override {
        add("dataFrame " + std::to_string(size) + (last ? " last" : ""));
        react("dataFrame", nullptr);
    }

    void onSettings(bool ack) override {
        add(ack ? "settings ack" : "settings");
        react("settings", nullptr);
    }

    void onGoaway(std::uint32_t last, ErrorCode code) override {
        add("goaway " + std::to_string(last) + " " + text(code));
        react("goaway", nullptr);
    }

    void onFieldsBegin(Stream& stream, bool opens) override {
        add(opens ? "opens" : "begins", stream);
        react("begin", &stream);
    }

    bool onField(Stream& stream, std::string_view name, std::string_view value) override {
        add("field", stream, " " + std::string(name) + "=" + std::string(value));
        react("field", &stream);
        return takesFields;
    }

    void onFieldsEnd(Stream& stream, bool last) override {
        add("fields", stream, last ? " last" : "");
        react("fields", &stream);
    }

    // Pieces of one frame or of several are one line.
    void onData(Stream& stream, std::string_view bytes) override {
        const std::string line = "data " + std::to_string(stream.id) + " ";
        if (data_ != line || lines.empty() || !lines.back().starts_with(line)) {
            lines.push_back(line);
            data_ = line;
        }
        lines.back().append(bytes);
        react("data", &stream);
    }

    void onEnd(Stream& stream) override {
        add("end", stream);
        react("end", &stream);
    }

    void onClosed(Stream& stream, ErrorCode code) override {
        add("closed", stream, " " + text(code));
        react("closed", &stream);
    }

    void onBreach(Multiplexer::Breach breach, Stream* stream) override {
        constexpr const char* kNames[] = {"connection", "stream", "headerFlood", "settings",
                                          "unanswered"};
        add(std::string("breach ") + kNames[static_cast<int>(breach)] +
            (stream != nullptr ? " " + std::to_string(stream->id) : ""));
        react("breach", stream);
    }

    Piece onRead(Stream& stream, char* into, std::size_t room) override {
        react("read", &stream);
        Body& body = bodies.try_emplace(stream.id, Body{"", false, {}}).first->second;
        const std::size_t size = std::min(room, body.text.size());
        std::memcpy(into, body.text.data(), size);
        body.text.erase(0, size);
        if (!body.text.empty() || (body.broken && size != 0))
            return {Piece::What::some, size};
        if (body.broken)
            return {Piece::What::broken, 0};
        if (!body.finished)
            return {size != 0 ? Piece::What::some : Piece::What::none, size};
        if (!body.trailers.empty())
            multiplexer->sendTrailers(stream, fieldsOf(body.trailers));
        return {Piece::What::last, size};
    }

    void onEndSent(Stream& stream) override {
        add("end sent", stream);
        react("endSent", &stream);
    }

private:
    static std::string text(ErrorCode code) {
        return std::to_string(static_cast<std::uint32_t>(code));
    }

    void add(std::string line) { lines.push_back(std::move(line)); }

    void add(std::string_view call, const Stream& stream, std::string_view more = {}) {
        add(std::string(call) + " " + std::to_string(stream.id) + std::string(more));
    }

    std::string data_;  // the beginning of the last line of onData()
};

// The parameter: octets per receive().
class MultiplexerTest : public testing::TestWithParam<std::size_t> {
protected:
    // A connection on which both have said their SETTINGS. What was said so far is forgotten.
    void begin(Role role, std::string_view peerSettings = {},
               std::int32_t streamWindow = kDefaultWindow,
               std::int32_t connectionWindow = kDefaultWindow) {
        create(role);
        mux().start({}, streamWindow, connectionWindow);
        if (role == Role::server)
            feed(kPreface);
        feed(settings(peerSettings) + settingsAck());
        output();
        calls();
    }

    void create(Role role) {
        mux_ = std::make_unique<Multiplexer>(role, log_, pool_);
        log_.multiplexer = mux_.get();
    }

    Multiplexer& mux() { return *mux_; }

    Stream& stream(std::uint32_t id) {
        const Stream* const found = mux().find(id);
        if (found == nullptr)
            throw std::runtime_error("no such stream");
        return const_cast<Stream&>(*found);
    }

    void feed(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::string part(bytes.substr(0, GetParam()));  // its end is guarded
            bytes.remove_prefix(mux().receive(part));
        }
    }

    // Of the frames sent since.
    Lines output() {
        Lines lines;
        for (const FrameText& frame : split(octets()))
            lines.push_back(describe(frame));
        return lines;
    }

    std::string octets() {
        std::string all;
        std::vector<char> part(100'000);
        while (const std::size_t size = mux().send(part.data(), part.size()))
            all.append(part.data(), size);
        EXPECT_FALSE(mux().wantsWrite());
        return all;
    }

    // The calls since.
    Lines calls() { return std::exchange(log_.lines, {}); }

    // A request of the peer's, for servers; of ours, for clients. Nothing is left of what was said.
    Stream& open(std::uint32_t id, bool ended = false) {
        feed(headers(id, ended ? flag::endStream : 0));
        output();
        calls();
        return stream(id);
    }

    Stream& ask(bool hasBody = false) {
        const FieldTexts fields{{":method", "GET"}};
        Stream* const asked = mux().request(nullptr, fieldsOf(fields), hasBody);
        if (asked == nullptr)
            throw std::runtime_error("no room");
        output();
        return *asked;
    }

    void answer(Stream& stream, bool last) {
        const FieldTexts fields{{":status", "200"}};
        mux().respond(stream, fieldsOf(fields), last);
    }

    void answerWithBody(Stream& stream, Body body) {
        const FieldTexts fields{{":status", "200"}};
        log_.bodies[stream.id] = std::move(body);
        mux().respondWithBody(stream, fieldsOf(fields));
    }

    // `bytes` end the connection, and nothing is heard after that.
    void expectConnectionError(std::string_view bytes, ErrorCode code,
                               std::string_view breach = "breach connection") {
        output();
        feed(bytes);
        EXPECT_EQ(last(calls()), breach);
        const std::string said = last(output());
        EXPECT_TRUE(said.starts_with("GOAWAY ")) << said;
        EXPECT_TRUE(said.ends_with(" " + text(code))) << said;
        EXPECT_TRUE(mux().terminated());
        EXPECT_FALSE(mux().wantsRead());
        feed(frame(FrameType::ping, 0, 0, "12345678") + headers(201, 0));
        EXPECT_EQ(calls(), Lines{});
        EXPECT_EQ(output(), Lines{});
    }

    // `bytes` end the stream, and the connection goes on.
    void expectStreamError(std::string_view bytes, std::uint32_t id, ErrorCode code) {
        const std::size_t before = mux().streams();
        output();
        calls();
        feed(bytes);
        const Lines said = output();
        const Lines heard = calls();
        EXPECT_EQ(std::count(said.begin(), said.end(),
                             "RST_STREAM " + std::to_string(id) + " " + text(code)),
                  1);
        EXPECT_EQ(std::count(heard.begin(), heard.end(), "breach stream " + std::to_string(id)), 1);
        EXPECT_EQ(last(heard), "closed " + std::to_string(id) + " " + text(code));
        EXPECT_EQ(mux().streams(), before - 1);
        expectAlive();
    }

    void expectAlive() {
        feed(frame(FrameType::ping, 0, 0, "12345678"));
        EXPECT_EQ(output(), Lines{"PING ACK 12345678"});
        EXPECT_FALSE(mux().terminated());
    }

    static std::string last(const Lines& lines) { return lines.empty() ? "" : lines.back(); }

    static std::string text(ErrorCode code) {
        return std::to_string(static_cast<std::uint32_t>(code));
    }

    Recorder log_;
    StreamPool pool_;
    std::unique_ptr<Multiplexer> mux_;
};

#define EVERGATE_WHOLE_AND_BY_OCTET(Fixture)                                               \
    INSTANTIATE_TEST_SUITE_P(Fed, Fixture, testing::Values(std::size_t{1} << 20U, 1U, 7U), \
                             [](const auto& parts) { return std::to_string(parts.param); })

}  // namespace evergate::http2
