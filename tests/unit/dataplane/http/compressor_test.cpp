// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/compressor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/content_decoder.hpp"

namespace evergate::http {
namespace {

using evergate::test::ContentDecoder;
using evergate::test::decodeContent;
using Until = BodyFilter::Until;

struct Kind {
    ContentCoding coding;
    CompressorSize size;
};

constexpr Kind kKinds[] = {
    {ContentCoding::gzip, CompressorSize::normal}, {ContentCoding::gzip, CompressorSize::little},
    {ContentCoding::br, CompressorSize::normal},   {ContentCoding::br, CompressorSize::little},
    {ContentCoding::zstd, CompressorSize::normal}, {ContentCoding::zstd, CompressorSize::little}};

std::string described(const Kind& kind) {
    return std::string(name(kind.coding)) +
           (kind.size == CompressorSize::little ? " little" : " normal");
}

std::string noise(std::size_t size) {
    std::mt19937 random(7);
    std::string bytes(size, '\0');
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
    return bytes;
}

std::string prose(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i)
        text += "{\"id\": " + std::to_string(i * 7919) + ", \"name\": \"item\"},\n";
    text.resize(size);
    return text;
}

// Everything that comes out of one call, `room` bytes at a time.
std::string feed(Compressor& compressor, std::string_view in, Until until, std::size_t room) {
    std::string all;
    std::string out(room, '\0');
    BodyFilter::Step step;
    while (!step.done) {
        step = compressor.step(in, out.data(), room, until);
        if (step.failed || (step.consumed + step.produced == 0 && !step.done)) {
            ADD_FAILURE() << "stuck";
            break;
        }
        all.append(out, 0, step.produced);
        in.remove_prefix(step.consumed);
    }
    EXPECT_TRUE(in.empty());
    return all;
}

TEST(Compressor, MakesWhatItsDecoderTakes) {
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(described(kind));
        for (const std::string& body :
             {std::string(), std::string("x"), prose(300), prose(200'000), noise(200'000)}) {
            for (const std::size_t piece : {std::size_t{1'000}, std::size_t{65'536}}) {
                for (const std::size_t room : {BodyFilter::kLeastRoom, std::size_t{262'144}}) {
                    if (room == BodyFilter::kLeastRoom && body.size() > 1'000)
                        continue;
                    const auto compressor = makeCompressor(kind.coding, kind.size);
                    ASSERT_NE(compressor, nullptr);
                    std::string coded;
                    for (std::size_t at = 0; at < body.size(); at += piece)
                        coded += feed(*compressor, std::string_view(body).substr(at, piece),
                                      Until::more, room);
                    coded += feed(*compressor, {}, Until::end, room);
                    EXPECT_TRUE(decodeContent(name(kind.coding), coded) == body) << body.size();
                    EXPECT_EQ(compressor->taken(), body.size());
                    EXPECT_EQ(compressor->made(), coded.size());
                }
            }
        }
    }
}

TEST(Compressor, MakesTextShorter) {
    const std::string body = prose(100'000);
    for (const Kind& kind : kKinds) {
        const auto compressor = makeCompressor(kind.coding, kind.size);
        EXPECT_LT(feed(*compressor, body, Until::end, 262'144).size(), body.size() / 3)
            << described(kind);
    }
}

// What was taken so far is there for the receiver, whatever its size; and again and again.
TEST(Compressor, AFlushKeepsNothingBack) {
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(described(kind));
        for (const std::size_t room : {BodyFilter::kLeastRoom, std::size_t{262'144}}) {
            const auto compressor = makeCompressor(kind.coding, kind.size);
            ContentDecoder decoder(name(kind.coding));
            for (const std::size_t size : {1, 10, 3, 1'000, 70'000, 2}) {
                const std::string event = prose(size);
                std::string got = decoder.take(feed(*compressor, event, Until::more, room));
                got += decoder.take(feed(*compressor, {}, Until::flush, room));
                EXPECT_TRUE(got == event) << size;
                EXPECT_FALSE(decoder.ended());
                // With nothing new there is nothing to say, or nothing that matters.
                EXPECT_EQ(decoder.take(feed(*compressor, {}, Until::flush, room)), "");
            }
            decoder.take(feed(*compressor, {}, Until::end, room));
            EXPECT_TRUE(decoder.ended());
        }
    }
}

// One buffer takes all that a read brings and what was held back before it.
TEST(Compressor, WhatCannotBeCompressedFitsIntoOneBuffer) {
    const std::string body = noise(400'000);
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(described(kind));
        const auto compressor = makeCompressor(kind.coding, kind.size);
        std::string out(256 * 1024, '\0');
        for (std::size_t at = 0; at < body.size(); at += 64 * 1024) {
            const auto step =
                compressor->step(std::string_view(body).substr(at, 64 * 1024), out.data(),
                                 out.size() - 1024, at == 0 ? Until::more : Until::flush);
            EXPECT_TRUE(step.done);
        }
        const auto whole = makeCompressor(kind.coding, kind.size);
        EXPECT_TRUE(whole
                        ->step(std::string_view(body).substr(0, 240 * 1024), out.data(),
                               out.size() - 8 * 1024, Until::flush)
                        .done);
    }
}

TEST(Compressor, KeepsToItsMemory) {
    for (const Kind& kind : kKinds) {
        for (const std::string& body : {prose(3'000'000), noise(1'000'000)}) {
            const auto compressor = makeCompressor(kind.coding, kind.size);
            std::size_t most = compressor->bytes();
            for (std::size_t at = 0; at < body.size(); at += 65'536) {
                feed(*compressor, std::string_view(body).substr(at, 65'536),
                     at % 3 == 0 ? Until::flush : Until::more, 262'144);
                most = std::max(most, compressor->bytes());
            }
            EXPECT_LE(most, memoryBound(kind.coding, kind.size)) << described(kind);
            EXPECT_GT(most, memoryBound(kind.coding, kind.size) / 4) << described(kind);
        }
    }
    EXPECT_EQ(memoryBound(ContentCoding::identity, CompressorSize::normal), 0u);
    EXPECT_EQ(makeCompressor(ContentCoding::identity, CompressorSize::normal), nullptr);
}

TEST(Compressor, BeginsAnewWhereverTheLastBodyStopped) {
    const std::string body = prose(50'000);
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(described(kind));
        const auto compressor = makeCompressor(kind.coding, kind.size);
        feed(*compressor, noise(50'000), Until::more, 262'144);
        if (!compressor->restart()) {
            EXPECT_EQ(kind.coding, ContentCoding::br);
            continue;
        }
        EXPECT_EQ(compressor->taken(), 0u);
        for (int i = 0; i < 2; ++i) {
            EXPECT_TRUE(decodeContent(name(kind.coding),
                                      feed(*compressor, body, Until::end, 262'144)) == body);
            EXPECT_TRUE(compressor->restart());
        }
    }
}

}  // namespace
}  // namespace evergate::http
