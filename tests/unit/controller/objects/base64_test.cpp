// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/base64.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

TEST(DecodeBase64, ReadsTheVectorsOfRfc4648) {
    for (const auto& [text, bytes] :
         std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                    {"Zg==", "f"},
                                                                    {"Zm8=", "fo"},
                                                                    {"Zm9v", "foo"},
                                                                    {"Zm9vYg==", "foob"},
                                                                    {"Zm9vYmE=", "fooba"},
                                                                    {"Zm9vYmFy", "foobar"}}) {
        EXPECT_EQ(decodeBase64(text), bytes) << text;
    }
    EXPECT_EQ(decodeBase64("+/8A"), std::string("\xfb\xff\x00", 3));
}

TEST(DecodeBase64, PassesOverLineEndsAsTheApiServerDoes) {
    EXPECT_EQ(decodeBase64("Zm9v\nYm\r\nFy\n"), "foobar");
}

TEST(DecodeBase64, RefusesEverythingElse) {
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "====", "=", "Zg==Zg==", "Zm9v YmFy",
                             "Zm9v-_==", "Zh==", "Zm9=", "Zm9v\xc3\xa4", "Z===", "Z=g="}) {
        EXPECT_FALSE(decodeBase64(text)) << text;
    }
}

}  // namespace
}  // namespace evergate::controller
