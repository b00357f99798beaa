// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/frame.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace evergate::http2 {
namespace {

using namespace std::string_literals;

std::string written(const FrameHead& head) {
    std::string text(kFrameHead, '?');
    EXPECT_EQ(writeFrameHead(head, text.data()), text.data() + kFrameHead);
    return text;
}

TEST(Number, IsInNetworkOrder) {
    char bytes[4];
    EXPECT_EQ(writeNumber(0x8182'03f4, bytes), bytes + 4);
    EXPECT_EQ(std::string(bytes, 4), "\x81\x82\x03\xf4");
    EXPECT_EQ(readNumber(bytes), 0x8182'03f4U);
}

TEST(FrameHead, IsNineOctets) {
    EXPECT_EQ(written({0x012345, 0x01020304, FrameType::headers, 0x25}),
              "\x01\x23\x45\x01\x25\x01\x02\x03\x04"s);
    EXPECT_EQ(written({0, 0, FrameType::data, 0}), std::string(kFrameHead, '\0'));
    EXPECT_EQ(written({kMaxFrame, kMaxStreamId, FrameType::priorityUpdate, 0xff}),
              "\x00\x40\x00\x10\xff\x7f\xff\xff\xff"s);
}

TEST(FrameHead, IsReadWithoutTheReservedBit) {
    const FrameHead head = readFrameHead("\xff\xff\xff\xfe\x09\xff\xff\xff\xfd");
    EXPECT_EQ(head.length, 0xff'ffffU);
    EXPECT_EQ(head.stream, 0x7fff'fffdU);
    EXPECT_EQ(static_cast<int>(head.type), 0xfe);
    EXPECT_EQ(head.flags, 9);
    EXPECT_TRUE(head.has(flag::padded));
    EXPECT_TRUE(head.has(flag::endStream));
    EXPECT_FALSE(head.has(flag::endHeaders));
}

TEST(FrameHead, IsReadAsItWasWritten) {
    std::mt19937 random(1);
    for (int i = 0; i < 1'000; ++i) {
        const FrameHead head{static_cast<std::uint32_t>(random() % 0x100'0000),
                             static_cast<std::uint32_t>(random() & kMaxStreamId),
                             static_cast<FrameType>(random() & 0xff),
                             static_cast<std::uint8_t>(random())};
        const FrameHead read = readFrameHead(written(head).data());
        EXPECT_EQ(read.length, head.length);
        EXPECT_EQ(read.stream, head.stream);
        EXPECT_EQ(read.type, head.type);
        EXPECT_EQ(read.flags, head.flags);
    }
}

}  // namespace
}  // namespace evergate::http2
