// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/grpc_web_body.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace evergate::http {
namespace {

using Until = BodyFilter::Until;
using std::string_literals::operator""s;

// Everything that comes out of one call, `room` bytes at a time; "failed" when it does.
std::string feed(BodyFilter& filter, std::string_view in, Until until, std::size_t room = 64) {
    std::string all;
    std::string out(room, '\0');
    BodyFilter::Step step;
    while (!step.done) {
        step = filter.step(in, out.data(), room, until);
        if (step.failed)
            return "failed";
        if (step.consumed + step.produced == 0 && !step.done)
            return "stuck";
        all.append(out, 0, step.produced);
        in.remove_prefix(step.consumed);
    }
    return all;
}

std::string decode(std::string_view text) {
    Base64Body body;
    return feed(body, text, Until::end);
}

TEST(Base64Body, TakesTheVectorsOfRfc4648) {
    EXPECT_EQ(decode(""), "");
    EXPECT_EQ(decode("Zg=="), "f");
    EXPECT_EQ(decode("Zm8="), "fo");
    EXPECT_EQ(decode("Zm9v"), "foo");
    EXPECT_EQ(decode("Zm9vYg=="), "foob");
    EXPECT_EQ(decode("Zm9vYmE="), "fooba");
    EXPECT_EQ(decode("Zm9vYmFy"), "foobar");
    EXPECT_EQ(decode("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64Body, GoesOnBehindPadding) {
    EXPECT_EQ(decode("Zg==Zg==Zm9vZm8="), "fffoofo");
}

TEST(Base64Body, RefusesEverythingElse) {
    for (const char* text : {"Z", "Zg", "Zm9", "Zg=", "=", "==", "====", "Z===", "Zg=a",
                             "Zg=b==", "Zm9v\n", "Zm 9v", "Zm9_", "Zm9-", "Zm9vZ", "Zm8=="})
        EXPECT_EQ(decode(text), "failed") << text;
    EXPECT_EQ(decode("Zm\0v"s), "failed");
    EXPECT_EQ(decode("Zm9\xff"), "failed");
}

TEST(Base64Body, TakesAnyPiecesWithAnyRoom) {
    const std::string text = "Zg==Zm9vYmFyZm8=Zm9vZg==";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        for (const std::size_t room : {BodyFilter::kLeastRoom, BodyFilter::kLeastRoom + 1}) {
            Base64Body body;
            std::string all;
            for (std::size_t at = 0; at < text.size(); at += piece)
                all += feed(body, std::string_view(text).substr(at, piece), Until::flush, room);
            EXPECT_EQ(all + feed(body, "", Until::end, room), "ffoobarfofoof") << piece;
        }
    }
}

TEST(Base64Body, WritesWhereItReads) {
    for (std::string text : {"Zg==Zm9vYmFyZm8=Zm9vZg==Zm", "Zg==", "Zm8=", "Zm9v", "Z", ""}) {
        const std::string copy = text;
        Base64Body apart;
        Base64Body inPlace;
        const std::string expected = feed(apart, copy, Until::more);
        const auto step = inPlace.step(text, text.data(), text.size(), Until::more);
        EXPECT_TRUE(step.done) << copy;
        EXPECT_EQ(text.substr(0, step.produced), expected);
    }
}

TEST(GrpcWebBody, PassesFramesAndAddsTrailers) {
    GrpcWebBody body(false);
    EXPECT_EQ(feed(body, "frames", Until::more), "frames");
    EXPECT_TRUE(body.takeTrailers("Grpc-Status: 0\r\nX-Sum: AbC: d\r\n"));
    EXPECT_TRUE(body.takeTrailers("Grpc-Status: 0\r\nX-Sum: AbC: d\r\n")) << "the same again";
    EXPECT_EQ(body.finalSize(), 5u + 31u);
    EXPECT_EQ(feed(body, "!", Until::end, 16),
              "!\x80\0\0\0\x1fgrpc-status: 0\r\nx-sum: AbC: d\r\n"s);
    EXPECT_EQ(body.finalSize(), 0u);
}

TEST(GrpcWebBody, HasNoFrameForNothing) {
    for (const bool text : {false, true}) {
        GrpcWebBody body(text);
        EXPECT_TRUE(body.takeTrailers(""));
        EXPECT_EQ(feed(body, "", Until::end), "");
    }
}

TEST(GrpcWebBody, PutsAStatusOfTheHeadFirst) {
    GrpcWebBody body(false);
    body.addStatus("grpc-status: 5\r\n");
    body.takeTrailers("a: b\r\n");
    EXPECT_EQ(feed(body, "", Until::end), "\x80\0\0\0\x16grpc-status: 5\r\na: b\r\n"s);
}

TEST(GrpcWebBody, PadsTextWhereItIsFlushed) {
    GrpcWebBody body(true);
    EXPECT_EQ(feed(body, "f", Until::more), "");
    EXPECT_EQ(feed(body, "oob", Until::more), "Zm9v");
    EXPECT_EQ(feed(body, "", Until::flush), "Yg==");
    EXPECT_EQ(feed(body, "", Until::flush), "");
    EXPECT_EQ(feed(body, "fo", Until::flush), "Zm8=");
    body.addStatus("a: b\r\n");
    body.takeTrailers("");
    EXPECT_EQ(body.finalSize(), 16u);
    EXPECT_EQ(feed(body, "", Until::end), "gAAAAAZhOiBiDQo=");
}

TEST(GrpcWebBody, TextIsWhatTheDecoderMakesOfItAgain) {
    std::string bytes;
    for (int i = 0; i < 1'000; ++i)
        bytes.push_back(static_cast<char>(i * 7));
    for (std::size_t piece = 1; piece < 20; ++piece) {
        for (const std::size_t room : {16u, 17u, 18u, 19u, 4'096u}) {
            GrpcWebBody body(true);
            std::string text;
            for (std::size_t at = 0; at < bytes.size(); at += piece)
                text += feed(body, std::string_view(bytes).substr(at, piece),
                             at % 3 == 0 ? Until::flush : Until::more, room);
            body.takeTrailers("grpc-status: 0\r\n");
            text += feed(body, "", Until::end, room);
            EXPECT_EQ(decode(text), bytes + "\x80\0\0\0\x10grpc-status: 0\r\n"s) << piece;
        }
    }
}

}  // namespace
}  // namespace evergate::http
