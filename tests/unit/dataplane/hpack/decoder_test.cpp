// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/decoder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/dataplane/hpack/blocks.hpp"

namespace evergate::hpack {
namespace {

using Result = Decoder::Result;

struct Step {
    std::string hex;
    Fields fields;
    std::size_t tableSize;
};

void expectSteps(const std::vector<Step>& steps) {
    Decoder decoder;
    for (const Step& step : steps) {
        EXPECT_EQ(decode(decoder, octets(step.hex)), (Decoded{Result::done, step.fields}));
        EXPECT_EQ(decoder.tableSize(), step.tableSize) << step.hex;
        decoder.rest();
    }
}

void expectFailure(std::string_view hex) {
    Decoder decoder;
    EXPECT_EQ(decode(decoder, octets(hex)).result, Result::failed) << hex;
}

const Fields kRequest1{
    {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}};
const Fields kRequest2{{":method", "GET"},
                       {":scheme", "http"},
                       {":path", "/"},
                       {":authority", "www.example.com"},
                       {"cache-control", "no-cache"}};
const Fields kRequest3{{":method", "GET"},
                       {":scheme", "https"},
                       {":path", "/index.html"},
                       {":authority", "www.example.com"},
                       {"custom-key", "custom-value"}};
const Fields kResponse1{{":status", "302"},
                        {"cache-control", "private"},
                        {"date", "Mon, 21 Oct 2013 20:13:21 GMT"},
                        {"location", "https://www.example.com"}};
const Fields kResponse2{{":status", "307"},
                        {"cache-control", "private"},
                        {"date", "Mon, 21 Oct 2013 20:13:21 GMT"},
                        {"location", "https://www.example.com"}};
const Fields kResponse3{{":status", "200"},
                        {"cache-control", "private"},
                        {"date", "Mon, 21 Oct 2013 20:13:22 GMT"},
                        {"location", "https://www.example.com"},
                        {"content-encoding", "gzip"},
                        {"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}};

TEST(Decoder, ReadsSingleFields) {  // RFC 7541 C.2
    expectSteps({{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
                  {{"custom-key", "custom-header"}},
                  55}});
    expectSteps({{"040c 2f73 616d 706c 652f 7061 7468", {{":path", "/sample/path"}}, 0}});
    expectSteps({{"1008 7061 7373 776f 7264 0673 6563 7265 74", {{"password", "secret"}}, 0}});
    expectSteps({{"82", {{":method", "GET"}}, 0}});
}

TEST(Decoder, ReadsRequests) {  // C.3
    expectSteps({{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", kRequest1, 57},
                 {"8286 84be 5808 6e6f 2d63 6163 6865", kRequest2, 110},
                 {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                  kRequest3, 164}});
}

TEST(Decoder, ReadsRequestsInHuffmanCode) {  // C.4
    expectSteps({{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", kRequest1, 57},
                 {"8286 84be 5886 a8eb 1064 9cbf", kRequest2, 110},
                 {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", kRequest3, 164}});
}

// C.5, with a table of 256 octets.
TEST(Decoder, ReadsResponses) {
    expectSteps(
        {{"3fe101 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133"
          "2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65"
          "2e63 6f6d",
          kResponse1, 222},
         {"4803 3330 37c1 c0bf", kResponse2, 222},
         {"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0"
          "5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851"
          "5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
          kResponse3, 215}});
}

// C.6, with a table of 256 octets.
TEST(Decoder, ReadsResponsesInHuffmanCode) {
    expectSteps(
        {{"3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6"
          "2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
          kResponse1, 222},
         {"4883 640e ffc1 c0bf", kResponse2, 222},
         {"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad"
          "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160"
          "65c0 03ed 4ee5 b106 3d50 07",
          kResponse3, 215}});
}

TEST(Decoder, RefusesIndicesOfNothing) {
    for (const char* const hex :
         {"80", "be", "ff00", "ffffffffff0f", "7e0161", "0f2f0161", "1f2f0161"})
        expectFailure(hex);
    Decoder decoder;
    EXPECT_EQ(decode(decoder, octets("4001610162 be")).result, Result::done);
    EXPECT_EQ(decode(decoder, octets("bf")).result, Result::failed);
}

TEST(Decoder, RefusesWhatIsCut) {
    const std::vector<std::string> blocks{
        octets("4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"),
        octets("040c 2f73 616d 706c 652f 7061 7468"),
        octets("1008 7061 7373 776f 7264 0673 6563 7265 74"),
        octets("ff80808000"),
        octets("3fe11f"),
        octets("0f2a 0161"),
    };
    for (const std::string& block : blocks) {
        for (std::size_t size = 1; size < block.size(); ++size) {
            Decoder decoder;
            EXPECT_EQ(decode(decoder, block.substr(0, size)).result, Result::failed) << size;
        }
    }
    expectFailure("0001617f80808080");    // an endless length
    expectFailure("0001617fffffffff0f");  // a length of all memory
    expectFailure("000161 7f ffffffff 0f");
}

TEST(Decoder, RefusesWrongHuffmanCode) {
    expectFailure("000161 81ff");        // padding of eight bits
    expectFailure("000161 811e");        // not of ones
    expectFailure("00 811e 0161");       // the same in a name
    expectFailure("000161 84ffffffff");  // EOS
    Decoder decoder;
    EXPECT_EQ(decode(decoder, octets("000161 80")), (Decoded{Result::done, {{"a", ""}}}));
}

TEST(Decoder, TakesSizeUpdatesAtTheBeginningOnly) {
    Decoder decoder;
    EXPECT_EQ(decode(decoder, octets("4001610162")).result, Result::done);
    EXPECT_EQ(decoder.tableSize(), 34U);
    EXPECT_EQ(decode(decoder, octets("20 3fe11f 82")).result, Result::done);  // 0, then 4096
    EXPECT_EQ(decoder.tableSize(), 0U);
    EXPECT_EQ(decode(decoder, octets("20")).result, Result::done);
    EXPECT_EQ(decode(decoder, octets("4001610162")).result, Result::done);  // too large for it
    EXPECT_EQ(decoder.tableSize(), 0U);
    EXPECT_EQ(decode(decoder, "").result, Result::done);
    EXPECT_EQ(decode(decoder, octets("21 22 23 82")).result, Result::done);
    expectFailure("82 20");
    expectFailure("4001610162 3fe11f");
    expectFailure("3fe21f");  // 4097
    expectFailure("3fffffffff0f");
}

TEST(Decoder, EvictsTheOldest) {
    Decoder decoder;
    // 100 octets: room for two of these.
    EXPECT_EQ(decode(decoder, octets("3f45 4001610131 4001620132 4001630133")).result,
              Result::done);
    EXPECT_EQ(decoder.tableSize(), 68U);
    EXPECT_EQ(decode(decoder, octets("be bf")), (Decoded{Result::done, {{"c", "3"}, {"b", "2"}}}));
    EXPECT_EQ(decode(decoder, octets("3f04 be")), (Decoded{Result::done, {{"c", "3"}}}));
    EXPECT_EQ(decode(decoder, octets("bf")).result, Result::failed);
}

// §4.4: the name of the new entry is that of an entry that is evicted for it.
TEST(Decoder, TakesANameFromAnEntryThatGoes) {
    Decoder decoder;
    std::string name(20, 'n');
    std::string block = octets("3f33");  // 82 octets
    block += octets("4014") + name + octets("0131");
    for (int i = 0; i < 200; ++i)
        block += octets("7e1e") + std::string(30, static_cast<char>('a' + i % 26));
    const Decoded got = decode(decoder, block);
    EXPECT_EQ(got.result, Result::done);
    ASSERT_EQ(got.fields.size(), 201U);
    for (std::size_t i = 1; i < got.fields.size(); ++i) {
        EXPECT_EQ(got.fields[i].first, name);
        EXPECT_EQ(got.fields[i].second, std::string(30, static_cast<char>('a' + (i - 1) % 26)));
    }
    EXPECT_EQ(decoder.tableSize(), 82U);
}

TEST(Decoder, StopsWhenTheSinkWantsIt) {
    Decoder decoder;
    std::string scratch;
    Collected sink(2);
    EXPECT_EQ(decoder.decode(octets("82 4001610162 80"), scratch, sink), Result::stopped);
    EXPECT_EQ(sink.fields.size(), 2U);
}

TEST(Decoder, BoundsTheScratch) {
    Decoder decoder;
    std::string scratch;
    Collected sink;
    std::string block = octets("0085") + octets("18c6318c63");  // eight times 'a'... of 5 bits
    block += octets("85 0000000000");                           // and eight zeros
    ASSERT_EQ(decoder.decode(block, scratch, sink), Result::done);
    EXPECT_EQ(sink.fields, (Fields{{"aaaaaaaa", "00000000"}}));
    EXPECT_LE(scratch.size(), block.size() * 8 / 5 + 1);
    const char* const same = scratch.data();
    ASSERT_EQ(decoder.decode(block, scratch, sink), Result::done);
    EXPECT_EQ(scratch.data(), same);
}

TEST(Decoder, KeepsItsTableWhenAtRest) {
    Decoder decoder;
    decoder.rest();
    EXPECT_EQ(decode(decoder, octets("4001610162")).result, Result::done);
    decoder.rest();
    decoder.rest();
    EXPECT_EQ(decode(decoder, octets("be 4001630164 bf")),
              (Decoded{Result::done, {{"a", "b"}, {"c", "d"}, {"a", "b"}}}));
}

}  // namespace
}  // namespace evergate::hpack
