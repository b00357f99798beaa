// SPDX-License-Identifier: Apache-2.0
// Filters in a BodyFlow: more of them than went in, with a receiver that takes little; trailers
// that become body; input that is not what it should be.
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <string>

#include "dataplane/http/grpc_web_body.hpp"
#include "tests/unit/dataplane/session/session_world.hpp"

namespace evergate::session::test {
namespace {

using http::BodyFilter;
using http::Framing;
using Result = BodyFlow::Result;

// Says everything four times; then, when asked to take them, the trailers.
class Echo final : public BodyFilter {
public:
    explicit Echo(bool takes) : takes_(takes) {}

    Step step(std::string_view in, char* out, std::size_t room, Until until) noexcept override {
        Step step;
        while (step.consumed < in.size() && room - step.produced >= 4) {
            for (int i = 0; i < 4; ++i)
                out[step.produced++] = in[step.consumed];
            ++step.consumed;
        }
        step.done = step.consumed == in.size();
        if (!step.done || until != Until::end)
            return step;
        step.done = room - step.produced >= trailers_.size();
        if (step.done)
            step.produced += trailers_.copy(out + step.produced, trailers_.size());
        return step;
    }

    bool takeTrailers(std::string_view section) noexcept override {
        if (takes_)
            trailers_ = section;
        return takes_;
    }

private:
    std::string trailers_;
    bool takes_;
};

std::string chunk(std::string_view bytes) {
    char header[24];
    return std::string(header, http::writeChunkHeader(bytes.size(), header)) + std::string(bytes) +
           "\r\n";
}

constexpr std::size_t kMost = net::BufferPool::kLarge + net::BufferPool::kHeadroom;

class BodyFilterTest : public testing::Test {
protected:
    BodyFilterTest() {
        std::tie(peer, from) = SessionWorld::sockets();
        std::tie(to, receiver) = SessionWorld::sockets(4'096);
    }

    void take() {
        const std::string all = SessionWorld::readAll(receiver);
        std::string_view wire = all;
        while (!wire.empty()) {
            const auto step = decoder.next(wire);
            body += step.data;
            if (step.consumed == 0)
                return void(extra += wire);
            wire.remove_prefix(step.consumed);
        }
    }

    Result pump() {
        std::string_view leftover;
        const Result result = flow.pump(world.context, from, to, leftover);
        EXPECT_EQ(leftover, "");
        return result;
    }

    // To the end; the receiver takes what it has after every step.
    Result pumpAll() {
        for (int i = 0; i < 100'000; ++i) {
            const Result result = pump();
            take();
            to.noteEvents(EPOLLOUT);
            if (result != Result::needWrite && result != Result::yield)
                return result;
            EXPECT_LE(flow.pending().size(), kMost);
        }
        return Result::yield;
    }

    SessionWorld world;
    BodyFlow flow;
    net::Socket peer;
    net::Socket from;
    net::Socket to;
    net::Socket receiver;
    http::ChunkedDecoder decoder;
    std::string body;
    std::string extra;
};

std::string fourTimes(std::string_view text) {
    std::string all;
    for (const char c : text)
        all.append(4, c);
    return all;
}

TEST_F(BodyFilterTest, WhatDoesNotFitWaitsForTheReceiver) {
    std::string text(200'000, 'a');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>('a' + i % 23);
    for (const bool takes : {false, true}) {
        Echo filter(takes);
        body.clear();
        decoder.reset();
        std::string wire = chunk(text) + "0\r\nx: y\r\n\r\n";
        flow.start(Framing::chunked, 0, Framing::chunked);
        flow.filterBy(filter);
        const Framed in = flow.strip(wire.data(), wire.size());
        ASSERT_EQ(in.consumed, wire.size());
        ASSERT_TRUE(flow.sendFirst(world.context, to, "", in));
        EXPECT_TRUE(flow.blocked());
        EXPECT_EQ(pumpAll(), Result::done);
        EXPECT_TRUE(decoder.done());
        EXPECT_EQ(extra, "");
        EXPECT_EQ(decoder.trailers(), takes ? "" : "x: y\r\n");
        EXPECT_TRUE(body == fourTimes(text) + (takes ? "x: y\r\n" : ""));
        flow.dropUnfiltered();
        flow.reset();
    }
}

TEST_F(BodyFilterTest, ForgetsWhatWaited) {
    Echo filter(false);
    std::string text(200'000, 'b');
    flow.start(Framing::length, text.size(), Framing::chunked);
    flow.filterBy(filter);
    ASSERT_TRUE(flow.sendFirst(world.context, to, "", flow.strip(text.data(), text.size())));
    flow.dropUnfiltered();
    flow.reset();
    flow.start(Framing::length, 2, Framing::chunked);
    flow.filterBy(filter);
    SessionWorld::readAll(receiver);
    ASSERT_EQ(peer.send("ok", 2).bytes, 2);
    from.noteEvents(EPOLLIN);
    to.noteEvents(EPOLLOUT);
    EXPECT_EQ(pumpAll(), Result::done);
    EXPECT_EQ(body, "ooookkkk");
}

TEST_F(BodyFilterTest, FramesTheFirstBytesWhereTheyAre) {
    http::Base64Body base64;
    std::string buffer = std::string(BodyFlow::kFramingRoom, '\0') + "Zm9vYg==Zg";
    flow.start(Framing::length, 12, Framing::chunked);
    flow.filterBy(base64);
    const Framed first = flow.frameFiltered(buffer.data() + BodyFlow::kFramingRoom, 10);
    EXPECT_FALSE(flow.filterFailed());
    EXPECT_EQ(first.consumed, 10u);
    EXPECT_EQ(std::string(first.begin, first.end) + std::string(first.tail), "4\r\nfoob\r\n");
    ASSERT_EQ(peer.send("==", 2).bytes, 2);
    from.noteEvents(EPOLLIN);
    EXPECT_EQ(pumpAll(), Result::done);
    EXPECT_EQ(body, "f");
}

TEST_F(BodyFilterTest, SaysThatItsInputWasWrong) {
    for (const std::string_view later : {"??", "=Z", "Zg"}) {
        http::Base64Body base64;
        flow.reset();
        flow.start(Framing::length, 2, Framing::chunked);
        flow.filterBy(base64);
        ASSERT_EQ(peer.send(later.data(), later.size()).bytes, ssize_t(later.size()));
        from.noteEvents(EPOLLIN);
        EXPECT_EQ(pumpAll(), Result::sinkFailed) << later;
        EXPECT_TRUE(flow.filterFailed());
    }
    http::Base64Body base64;
    std::string buffer = std::string(BodyFlow::kFramingRoom, '\0') + "Zm9=Zg";
    flow.reset();
    flow.start(Framing::length, 6, Framing::chunked);
    flow.filterBy(base64);
    flow.frameFiltered(buffer.data() + BodyFlow::kFramingRoom, 6);
    EXPECT_TRUE(flow.filterFailed());
}

}  // namespace
}  // namespace evergate::session::test
