// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/field.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

using Json = nlohmann::json;

class FieldTest : public testing::Test {
protected:
    std::string problemText() const { return problem ? problem->where + ": " + problem->what : ""; }

    const Json document = Json::parse(R"({"text": "x", "flag": true, "number": 7, "half": 0.5,
        "null": null, "huge": 18446744073709551615, "wide": 2147483648,
        "list": [{"name": "a"}, {"name": 1}], "map": {"a.b/c": 1, "d": null}})");
    std::optional<FieldProblem> problem;
    const Field root{document, problem};
};

TEST_F(FieldTest, ReadsValuesOfTheirType) {
    EXPECT_EQ(root["text"].text(), "x");
    EXPECT_EQ(root["text"].optionalText(), "x");
    EXPECT_TRUE(root["flag"].flag(false));
    EXPECT_EQ(root["number"].int32(), 7);
    EXPECT_EQ(root["wide"].int64(), 2147483648);
    EXPECT_TRUE(root["map"].isObject());
    EXPECT_EQ(problemText(), "");
}

TEST_F(FieldTest, GivesDefaultsForWhatIsAbsentOrNull) {
    for (const char* name : {"none", "null"}) {
        EXPECT_FALSE(root[name].present());
        EXPECT_EQ(root[name].text(), "");
        EXPECT_EQ(root[name].optionalText(), std::nullopt);
        EXPECT_TRUE(root[name].flag(true));
        EXPECT_EQ(root[name].int64(), 0);
        EXPECT_FALSE(root[name]["deeper"]["still"].present());
        root[name].eachElement([](const Field&) { ADD_FAILURE(); });
    }
    EXPECT_EQ(problemText(), "");
}

TEST_F(FieldTest, NamesTheWayToAWrongType) {
    root["list"].eachElement([](const Field& element) { element["name"].text(); });
    EXPECT_EQ(problemText(), "list[1].name: must be a string, not number");
}

TEST_F(FieldTest, QuotesNamesThatLookLikeAPath) {
    root["map"].eachMember([](const std::string&, const Field& value) { value.text(); });
    EXPECT_EQ(problemText(), "map[\"a.b/c\"]: must be a string, not number");
}

TEST_F(FieldTest, KeepsTheFirstProblemOnly) {
    root["text"].flag(false);
    root["flag"].text();
    EXPECT_EQ(problemText(), "text: must be a boolean, not string");
}

TEST_F(FieldTest, RefusesFractions) {
    EXPECT_EQ(root["half"].int64(), 0);
    EXPECT_EQ(problemText(), "half: must be an integer, not a fraction");
}

TEST_F(FieldTest, RefusesIntegersOver64Bits) {
    EXPECT_EQ(root["huge"].int64(), 0);
    EXPECT_EQ(problemText(), "huge: is out of range");
}

TEST_F(FieldTest, RefusesIntegersOver32Bits) {
    EXPECT_EQ(root["wide"].int32(), 0);
    EXPECT_EQ(problemText(), "wide: is out of range");
}

}  // namespace
}  // namespace evergate::controller
