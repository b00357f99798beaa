// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/priority.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace evergate::http2 {
namespace {

struct Case {
    const char* name;
    std::string_view value;
    int urgency;
    bool incremental;
};

class ParsePriority : public testing::TestWithParam<Case> {};

TEST_P(ParsePriority, ReadsIt) {
    const Priority priority = parsePriority(GetParam().value);
    EXPECT_EQ(priority.urgency, GetParam().urgency);
    EXPECT_EQ(priority.incremental, GetParam().incremental);
}

constexpr Case kCases[] = {
    {"Nothing", "", 3, false},
    {"Spaces", "  ", 3, false},
    {"Urgency", "u=5", 5, false},
    {"Least", "u=7", 7, false},
    {"Most", "u=0", 0, false},
    {"Incremental", "i", 3, true},
    {"IncrementalTrue", "i=?1", 3, true},
    {"IncrementalFalse", "i=?0", 3, false},
    {"Both", "u=1, i", 1, true},
    {"BothWithoutSpace", "u=1,i", 1, true},
    {"TheOtherWayRound", "i,u=6", 6, true},
    {"Tabs", "u=1\t,\ti", 1, true},
    {"SpacesAround", " u=1 , i ", 1, true},
    {"TooLarge", "u=8", 3, false},
    {"TwoDigits", "u=10", 3, false},
    {"Negative", "u=-1", 3, false},
    {"Decimal", "u=1.0", 3, false},
    {"UrgencyIsText", "u=\"1\"", 3, false},
    {"UrgencyIsToken", "u=high", 3, false},
    {"UrgencyIsBoolean", "u", 3, false},
    {"UrgencyIsList", "u=(1 2), i", 3, true},
    {"IncrementalIsNumber", "i=1", 3, false},
    {"IncrementalIsToken", "i=true", 3, false},
    {"IncrementalIsText", "i=\"?1\"", 3, false},
    {"Unknown", "a, u=2, zz=9, i", 2, true},
    {"UpperCase", "U=1, I", 3, false},
    {"LongerNames", "uu=1, ii", 3, false},
    {"Parameters", "u=2;x=1;y, i;z", 2, true},
    {"ParametersAreNoMembers", "u=2;i;u=5", 2, false},
    {"ParameterIsText", "u=2;x=\"a,u=6\", i", 2, true},
    {"CommaInText", "a=\"x,u=1,i\", u=4", 4, false},
    {"SemicolonInText", "a=\"x;\", u=4;b=\";\", i", 4, true},
    {"QuoteInText", R"(a="\",u=1,\\", u=4)", 4, false},
    {"TextWithoutEnd", "u=1, a=\"x, i", 1, false},
    {"TextEndsInEscape", "u=1, a=\"\\", 1, false},
    {"UrgencyTwice", "u=1, u=6", 6, false},
    {"IncrementalTwice", "i, i=?0", 3, false},
    {"IncrementalTwiceTheOtherWay", "i=?0, i", 3, true},
    // The last member is the one there is (RFC 8941 §3.2), and that says nothing.
    {"LastIsOutOfRange", "u=1, u=9", 3, false},
    {"LastIsAnotherType", "u=1, i, i=7", 1, false},
    {"Commas", ",,u=1,,i,,", 1, true},
};

INSTANTIATE_TEST_SUITE_P(All, ParsePriority, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(Priority, RanksUrgencyBeforeTheRest) {
    EXPECT_LT((Priority{0, true}.rank()), (Priority{1, false}.rank()));
    EXPECT_LT((Priority{3, false}.rank()), (Priority{3, true}.rank()));
    EXPECT_EQ(Priority().rank(), (Priority{3, false}.rank()));
}

TEST(Priority, IsInRangeWhateverComes) {
    std::mt19937 random(1);
    constexpr std::string_view kLetters = "ui=?01789;,\" \\-.()a";
    for (int i = 0; i < 20'000; ++i) {
        std::string value(random() % 16, ' ');
        for (char& letter : value)
            letter = kLetters[random() % kLetters.size()];
        EXPECT_LE(parsePriority(value).urgency, 7) << value;
    }
}

}  // namespace
}  // namespace evergate::http2
