// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/encoder.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/unit/dataplane/hpack/blocks.hpp"

namespace evergate::hpack {
namespace {

TEST(Encoder, WritesTheRequestsOfTheStandard) {  // RFC 7541 C.4
    Encoder encoder(0);
    EXPECT_EQ(encode(encoder, {{":method", "GET"},
                               {":scheme", "http"},
                               {":path", "/"},
                               {":authority", "www.example.com"}}),
              octets("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"));
    EXPECT_EQ(encode(encoder, {{":method", "GET"},
                               {":scheme", "http"},
                               {":path", "/"},
                               {":authority", "www.example.com"},
                               {"cache-control", "no-cache"}}),
              octets("8286 84be 5886 a8eb 1064 9cbf"));
    EXPECT_EQ(encode(encoder, {{":method", "GET"},
                               {":scheme", "https"},
                               {":path", "/index.html"},
                               {":authority", "www.example.com"},
                               {"custom-key", "custom-value"}}),
              octets("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"));
}

TEST(Encoder, WritesNamesInLowerCase) {
    Encoder encoder(0);
    const std::string block = encode(encoder, {{"Custom-KEY", "x"}, {"X-One", "y", false}});
    Decoder decoder;
    EXPECT_EQ(decode(decoder, block).fields, (Fields{{"custom-key", "x"}, {"x-one", "y"}}));
    EXPECT_EQ(encode(encoder, {{"custom-key", "x"}}), octets("be"));
    EXPECT_EQ(encode(encoder, {{"CONTENT-LENGTH", "1"}}), octets("0f0d 0131"));
}

TEST(Encoder, IndexesWhatIsLikelyToComeAgain) {
    Encoder encoder(0);
    EXPECT_EQ(encode(encoder, {{"accept", ""}}), octets("93"));
    // Not what differs each time.
    for (const char* const name : {":path", "content-length", "age", "etag", "if-modified-since",
                                   "if-none-match", "location", "set-cookie"}) {
        const std::string block = encode(encoder, {{name, "!"}});
        EXPECT_EQ(block, encode(encoder, {{name, "!"}})) << name;
        EXPECT_EQ(block.front() & 0xf0, 0) << name;
    }
    EXPECT_EQ(encode(encoder, {{"X-Request-Id", "!", false}}),
              octets("000c") + "x-request-id" + octets("0121"));
    EXPECT_EQ(encode(encoder, {{"server", "a", false}}), octets("0f27 0161"));
    // Nor what would take most of the table.
    const std::string large(3'100, '!');
    EXPECT_EQ(encode(encoder, {{"server", large}}).front() & 0xf0, 0);
    EXPECT_EQ(encode(encoder, {{std::string(65, 'N'), "v"}}),
              octets("0041") + std::string(65, 'n') + "\1v");
}

TEST(Encoder, NeverIndexesSecrets) {
    for (const bool indexable : {true, false}) {
        Encoder encoder(0);
        EXPECT_EQ(encode(encoder, {{"Authorization", "b", indexable}}), octets("1f08 0162"));
        EXPECT_EQ(encode(encoder, {{"cookie", "a=b", indexable}}), octets("1f11 03613d62"));
    }
}

TEST(Encoder, CodesLongValuesThatAreNotIndexed) {
    Encoder encoder(0);
    const std::string value(65, 'a');
    EXPECT_EQ(encode(encoder, {{":path", value}}).size(), 2U + (65 * 5 + 7) / 8);
    EXPECT_EQ(encode(encoder, {{":path", std::string(64, 'a')}}).size(), 66U);
    EXPECT_EQ(encode(encoder, {{":path", std::string(65, '\1')}}).size(), 67U);
}

TEST(Encoder, UsesNamesOfTheDynamicTable) {
    Encoder encoder(0);
    encode(encoder, {{"x-name", "1"}});
    EXPECT_EQ(encode(encoder, {{"x-name", "2", false}}), octets("0f2f 0132"));
    EXPECT_EQ(encode(encoder, {{"x-name", "2"}}), octets("7e 0132"));
    EXPECT_EQ(encode(encoder, {{"x-name", "1"}, {"x-name", "2"}}), octets("bf be"));
}

TEST(Encoder, TellsOfSizesBeforeTheNextBlock) {
    Encoder encoder(0);
    encoder.setMaxTableSize(65'536);  // we use 4096
    EXPECT_EQ(encode(encoder, {}), "");
    encoder.setMaxTableSize(100);
    EXPECT_EQ(encode(encoder, {}), octets("3f45"));
    EXPECT_EQ(encode(encoder, {}), "");
    encoder.setMaxTableSize(50);
    encoder.setMaxTableSize(0);
    encoder.setMaxTableSize(60);
    encoder.setMaxTableSize(70);
    EXPECT_EQ(encode(encoder, {}), octets("20 3f27"));
    encoder.setMaxTableSize(0xffffffff);
    EXPECT_EQ(encode(encoder, {}), octets("3fe11f"));
    encoder.setMaxTableSize(10);
    encoder.setMaxTableSize(4'096);
    EXPECT_EQ(encode(encoder, {}), octets("2a 3fe11f"));
}

TEST(Encoder, EvictsWhenTheTableShrinks) {
    Encoder encoder(0);
    encode(encoder, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
    encoder.setMaxTableSize(68);
    EXPECT_EQ(encode(encoder, {{"b", "2"}, {"c", "3"}}), octets("3f25 bf be"));
    EXPECT_EQ(encode(encoder, {{"a", "1"}}), octets("40 0161 0131"));
    encoder.setMaxTableSize(0);
    EXPECT_EQ(encode(encoder, {{"a", "1"}}), octets("20 00 0161 0131"));
}

TEST(Encoder, ForgetsAllWhenAtRest) {
    Encoder encoder(0);
    encoder.rest();
    EXPECT_EQ(encode(encoder, {{"a", "1"}}), octets("40 0161 0131"));
    encoder.rest();
    encoder.rest();
    EXPECT_EQ(encode(encoder, {{"a", "1"}}), octets("20 3fe11f 40 0161 0131"));
    EXPECT_EQ(encode(encoder, {{"a", "1"}}), octets("be"));
    encoder.rest();
    encoder.setMaxTableSize(200);
    EXPECT_EQ(encode(encoder, {{"a", "1"}}), octets("20 3fa901 40 0161 0131"));
    encoder.rest();
    encoder.setMaxTableSize(0);
    EXPECT_EQ(encode(encoder, {}), octets("20"));
}

// Many more entries than it counts before it starts again.
TEST(Encoder, FindsEntriesForEver) {
    Encoder encoder(0);
    Decoder decoder;
    std::mt19937 random(3);
    for (int i = 0; i < 200'000; ++i) {
        const std::string name = "x-" + std::to_string(random() % 40);
        const std::string value = std::to_string(random() % 5);
        const Decoded got = decode(decoder, encode(encoder, {{name, value}}));
        ASSERT_EQ(got, (Decoded{Decoder::Result::done, {{name, value}}}));
        ASSERT_NE(encode(encoder, {{name, value}}).front() & 0x80, 0) << i;  // indexed
    }
}

TEST(Encoder, KeepsStringsApartThatHashAlike) {
    Encoder encoder(0);
    Decoder decoder;
    // Only the first, the middle and the last octets of a value are hashed.
    for (int i = 0; i < 3; ++i) {
        for (char c = 'a'; c <= 'z'; ++c) {
            std::string value(60, '-');
            value[15] = c;
            const Decoded got = decode(decoder, encode(encoder, {{"x", value}}));
            ASSERT_EQ(got.fields, (Fields{{"x", value}}));
        }
    }
}

// Who says little needs no memory; after a rest it is as at the beginning.
TEST(HpackEncoder, IndexesNothingAtFirst) {
    Encoder encoder;
    const Field field{"x-name", "some value"};
    std::vector<char> out(Encoder::kBlockStart + Encoder::bound(field));
    const auto sizes = [&] {
        std::vector<std::ptrdiff_t> all;
        for (int i = 0; i < Encoder::kPlainBlocks + 2; ++i)
            all.push_back(encoder.encode(field, encoder.beginBlock(out.data())) - out.data());
        return all;
    };
    const auto first = sizes();
    for (int i = 1; i < Encoder::kPlainBlocks; ++i)
        EXPECT_EQ(first[static_cast<std::size_t>(i)], first[0]);
    EXPECT_EQ(first.back(), 1);
    encoder.rest();
    const auto second = sizes();
    EXPECT_EQ(second[1], first[0]);
    EXPECT_EQ(second.back(), 1);
}

}  // namespace
}  // namespace evergate::hpack
