// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/core_schema.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::directory {
namespace {

using Json = nlohmann::json;

TEST(CoreSchema, KnowsNullsAndBooleansInTheirThreeSpellings) {
    for (const char* text : {"", "~", "null", "Null", "NULL"}) {
        EXPECT_EQ(resolvePlain(text), Json(nullptr)) << text;
    }
    for (const char* text : {"true", "True", "TRUE"}) {
        EXPECT_EQ(resolvePlain(text), Json(true)) << text;
    }
    for (const char* text : {"false", "False", "FALSE"}) {
        EXPECT_EQ(resolvePlain(text), Json(false)) << text;
    }
}

TEST(CoreSchema, ReadsIntegersOfThreeBases) {
    EXPECT_EQ(resolvePlain("0"), Json(0));
    EXPECT_EQ(resolvePlain("+8080"), Json(8080));
    EXPECT_EQ(resolvePlain("-7"), Json(-7));
    EXPECT_EQ(resolvePlain("010"), Json(10));
    EXPECT_EQ(resolvePlain("0o17"), Json(15));
    EXPECT_EQ(resolvePlain("0xFf"), Json(255));
    EXPECT_EQ(resolvePlain("18446744073709551615"), Json(18446744073709551615u));
}

TEST(CoreSchema, ReadsFractions) {
    EXPECT_EQ(resolvePlain("0.5"), Json(0.5));
    EXPECT_EQ(resolvePlain(".5"), Json(0.5));
    EXPECT_EQ(resolvePlain("+1."), Json(1.0));
    EXPECT_EQ(resolvePlain("-1.5e3"), Json(-1500.0));
}

TEST(CoreSchema, LeavesTheRestAsText) {
    for (const char* text : {"yes", "on", "off", "tRue", "nULL", "1_000", "0o8", "0xg", "0x", "-",
                             ".", "1e", "12:30", "10.0.0.1", " 1", "-0x1"}) {
        EXPECT_EQ(resolvePlain(text), Json(text)) << text;
    }
}

TEST(CoreSchema, RefusesNumbersJsonCannotHold) {
    for (const char* text : {".inf", "-.INF", ".nan", "18446744073709551616",
                             "-9223372036854775809", "1e999", "0x10000000000000000"}) {
        EXPECT_EQ(resolvePlain(text), std::nullopt) << text;
    }
}

TEST(CoreSchema, HoldsAValueAgainstItsTag) {
    EXPECT_EQ(resolveTagged("!", "1"), Json("1"));
    EXPECT_EQ(resolveTagged("?", "1"), Json(1));
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:str", "1"), Json("1"));
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:int", "1"), Json(1));
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:float", "1"), Json(1));
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:bool", "true"), Json(true));
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:null", ""), Json(nullptr));
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:int", "x"), std::nullopt);
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:bool", "1"), std::nullopt);
    EXPECT_EQ(resolveTagged("tag:yaml.org,2002:binary", "aGk="), std::nullopt);
    EXPECT_EQ(resolveTagged("!python/object", "x"), std::nullopt);
}

}  // namespace
}  // namespace evergate::controller::directory
