// SPDX-License-Identifier: Apache-2.0
#include "common/model/sha256.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::model {
namespace {

std::string hex(const Sha256Digest& digest) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : digest) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xF];
    }
    return text;
}

// The examples of FIPS 180-4.
TEST(Sha256, GivesThePublishedDigests) {
    EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(sha256({"abc"})),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, SeesOnlyTheBytesOneAfterAnother) {
    EXPECT_EQ(sha256({"a", "bc"}), sha256({"abc"}));
    EXPECT_EQ(sha256({"", "abc", ""}), sha256({"abc"}));
    EXPECT_NE(sha256({std::string_view("abc\0", 4)}), sha256({"abc"}));
}

}  // namespace
}  // namespace evergate::model
