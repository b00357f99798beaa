// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/huffman.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/dataplane/hpack/blocks.hpp"

namespace evergate::hpack {
namespace {

std::string coded(const std::string& text) {
    std::vector<char> room(huffmanSize(text) + 7);
    const std::string out(room.data(), encodeHuffman(text, room.data()));
    EXPECT_EQ(out.size(), huffmanSize(text));
    return out;
}

std::optional<std::string> decoded(const std::string& text) {
    const std::vector<char> input(text.begin(), text.end());
    std::vector<char> room(decodedBound(text.size()));
    char* const end = decodeHuffman({input.data(), input.size()}, room.data());
    if (end == nullptr)
        return std::nullopt;
    return std::string(room.data(), end);
}

TEST(Huffman, CodesTheExamplesOfTheStandard) {  // RFC 7541 C.4, C.6
    const std::vector<std::pair<std::string, std::string>> cases{
        {"www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"},
        {"no-cache", "a8eb10649cbf"},
        {"custom-value", "25a849e95bb8e8b4bf"},
        {"private", "aec3771a4b"},
        {"Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"},
        {"https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"},
    };
    for (const auto& [text, hex] : cases) {
        EXPECT_EQ(coded(text), octets(hex)) << text;
        EXPECT_EQ(decoded(octets(hex)), text);
    }
}

TEST(Huffman, CodesAllSymbolsInAllPlaces) {
    for (int symbol = 0; symbol < 256; ++symbol) {
        const std::string one(1, static_cast<char>(symbol));
        for (std::size_t before = 0; before < 24; ++before) {
            for (const std::size_t after : {0U, 1U, 9U}) {
                const std::string text = std::string(before, 'a') + one + std::string(after, 'z');
                ASSERT_EQ(decoded(coded(text)), text) << symbol;
            }
        }
        const std::string many(100, static_cast<char>(symbol));
        ASSERT_EQ(decoded(coded(many)), many) << symbol;
    }
}

TEST(Huffman, CodesRandomText) {
    std::mt19937 random(1);
    for (int i = 0; i < 20'000; ++i) {
        std::string text(random() % 60, '\0');
        const unsigned range = random() % 2 == 0 ? 256 : 128;
        for (char& c : text)
            c = static_cast<char>(random() % range);
        ASSERT_EQ(decoded(coded(text)), text);
    }
}

TEST(Huffman, RefusesWrongPadding) {
    EXPECT_EQ(decoded(""), "");
    EXPECT_EQ(decoded(octets("1f")), "a");             // 00011 111
    EXPECT_EQ(decoded(octets("1e")), std::nullopt);    // not all ones
    EXPECT_EQ(decoded(octets("18")), std::nullopt);    // the code of a zero, cut
    EXPECT_EQ(decoded(octets("1fff")), std::nullopt);  // 11 bits
    EXPECT_EQ(decoded(octets("ff")), std::nullopt);    // 8 bits
    EXPECT_EQ(decoded(octets("7fff")), std::nullopt);  // nine behind a 9
    for (std::size_t i = 1; i < 12; ++i) {
        const std::string text(8 * i, 'a');  // 5 octets each 8: no padding
        EXPECT_EQ(decoded(coded(text) + octets("fe")), std::nullopt);
        EXPECT_EQ(decoded(coded(text) + octets("ff")), std::nullopt) << i;
        EXPECT_EQ(decoded(coded(text + "a")), text + "a");
    }
}

TEST(Huffman, RefusesEndOfString) {
    EXPECT_EQ(decoded(octets("fffffffc")), std::nullopt);
    EXPECT_EQ(decoded(octets("ffffffff")), std::nullopt);
    EXPECT_EQ(decoded(octets("fffffffffffffffffffffffff0")), std::nullopt);
    EXPECT_EQ(decoded(octets("1fffffffe18c6318c6318c63")), std::nullopt);  // between letters
}

}  // namespace
}  // namespace evergate::hpack
