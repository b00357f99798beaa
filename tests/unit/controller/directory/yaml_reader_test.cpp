// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/yaml_reader.hpp"

#include <gmock/gmock.h>

namespace evergate::controller::directory {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<YamlDocument> documents(std::string_view text) {
    auto parsed = readYaml(text);
    if (const auto* problem = std::get_if<SyntaxProblem>(&parsed)) {
        ADD_FAILURE() << problem->line << ": " << problem->what;
        return {};
    }
    return std::get<std::vector<YamlDocument>>(std::move(parsed));
}

Json value(std::string_view text) {
    const auto all = documents(text);
    return all.size() == 1 ? all[0].value : Json("not one document");
}

SyntaxProblem problem(std::string_view text) {
    auto parsed = readYaml(text);
    const auto* found = std::get_if<SyntaxProblem>(&parsed);
    return found != nullptr ? *found : SyntaxProblem{-1, "no problem"};
}

TEST(YamlReader, TypesPlainScalarsByTheCoreSchema) {
    EXPECT_EQ(value("[~, null, Null, '', true, FALSE]"),
              Json::parse(R"([null,null,null,"",true,false])"));
    EXPECT_EQ(value("[0, -7, +7, 080, 0o17, 0xFF]"), Json::parse("[0,-7,7,80,15,255]"));
    EXPECT_EQ(value("[1.5, -.5, 1e3, 2.]"), Json::parse("[1.5,-0.5,1000.0,2.0]"));
    EXPECT_EQ(
        value("[yes, no, on, y, 1_000, 12:30, 0b1, 1.2.3, 2026-11-21, .5.]"),
        Json::parse(R"(["yes","no","on","y","1_000","12:30","0b1","1.2.3","2026-11-21",".5."])"));
}

TEST(YamlReader, KeepsQuotedScalarsAsStrings) {
    EXPECT_EQ(value("[\"80\", '80', \"true\", 'null', \"~\"]"),
              Json::parse(R"(["80","80","true","null","~"])"));
    EXPECT_EQ(value("a: |\n  80\n"), Json::parse(R"({"a":"80\n"})"));
}

TEST(YamlReader, ObeysExplicitTags) {
    EXPECT_EQ(value("[!!str 80, !!int 80, !!float 8, !!bool true, !!null ~]"),
              Json::parse(R"(["80",80,8,true,null])"));
    EXPECT_THAT(problem("!!int a").what, HasSubstr("not a value JSON can hold"));
    EXPECT_THAT(problem("!!binary aGk=").what, HasSubstr("not a value JSON can hold"));
    EXPECT_THAT(problem("!custom a").what, HasSubstr("not a value JSON can hold"));
    EXPECT_THAT(problem("!!set {a}").what, HasSubstr("is not supported"));
}

TEST(YamlReader, RefusesNumbersJsonCannotHold) {
    for (const char* text : {".inf", "-.inf", ".nan", "99999999999999999999", "1e999",
                             "-9223372036854775809", "0xFFFFFFFFFFFFFFFFF"}) {
        EXPECT_THAT(problem(text).what, HasSubstr("not a value JSON can hold")) << text;
    }
    EXPECT_EQ(value("18446744073709551615"), Json(18446744073709551615ull));
}

TEST(YamlReader, ReadsSeveralDocumentsWithTheirLines) {
    const auto all = documents("# comment\na: 1\n---\n---\nb: 2\n...\n---\nc: 3\n");
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[0].line, 2);
    EXPECT_TRUE(all[1].value.is_null());
    EXPECT_EQ(all[2].value, Json::parse(R"({"b":2})"));
    EXPECT_EQ(all[2].line, 5);
    EXPECT_EQ(all[3].line, 8);
    EXPECT_THAT(documents(""), IsEmpty());
    EXPECT_THAT(documents("# nothing\n"), IsEmpty());
}

TEST(YamlReader, KnowsTheLinesOfItems) {
    const auto all = documents("kind: List\nitems:\n- a: 1\n- b:\n    - 2\n-\n  c: 3\n");
    ASSERT_EQ(all.size(), 1u);
    EXPECT_THAT(all[0].itemLines, ElementsAre(3, 4, 7));
}

TEST(YamlReader, ReadsJson) {
    EXPECT_EQ(value(R"({"a": [1, "x\ty", {"b": null}], "c": "\u00e4"})"),
              Json::parse(R"({"a": [1, "x\ty", {"b": null}], "c": "ä"})"));
}

TEST(YamlReader, ExpandsAliases) {
    EXPECT_EQ(value("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n"),
              Json::parse(R"({"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]})"));
    EXPECT_EQ(value("a: &x 80\nb: *x\n"), Json::parse(R"({"a":80,"b":80})"));
}

TEST(YamlReader, BoundsAliases) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int j = 0; j < 9; ++j) {
            bomb += ", " + before;
        }
        bomb += "]\n";
    }
    EXPECT_EQ(problem(bomb).what, "the file has too many values");
    EXPECT_THAT(problem("a: &x [*x]").what, HasSubstr("inside what it refers to"));
    EXPECT_THAT(problem("a: *nobody").what, HasSubstr("not defined"));
}

TEST(YamlReader, BoundsDepthAlsoThroughAliases) {
    const auto nested = [](int depth, const std::string& inner) {
        return std::string(static_cast<std::size_t>(depth), '[') + inner +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    EXPECT_EQ(problem(nested(60, "1")).what, "no problem");
    EXPECT_EQ(problem(nested(65, "1")).what, "is nested too deeply");
    EXPECT_EQ(problem(nested(10'000, "1")).what, "is nested too deeply");
    EXPECT_EQ(problem("- &a " + nested(40, "1") + "\n- " + nested(40, "*a") + "\n").what,
              "is nested too deeply");
}

TEST(YamlReader, RefusesKeysThatAreNotTextOnce) {
    EXPECT_EQ(problem("a: 1\nb: 2\na: 3\n"), (SyntaxProblem{3, "key \"a\" appears twice"}));
    EXPECT_EQ(problem("? [a]\n: 1\n").what, "a key must be a scalar");
    EXPECT_EQ(problem("~: 1\n").what, "a key is missing");
    EXPECT_THAT(problem("a: &x {b: 1}\nc:\n  <<: *x\n").what, HasSubstr("merge keys"));
    EXPECT_EQ(value("80: a\ntrue: b\n'<<': c\n"), Json::parse(R"({"80":"a","true":"b","<<":"c"})"));
}

// yaml-cpp sees empty documents there and stays where it is.
TEST(YamlReader, RefusesBracketsThatCloseNothing) {
    const auto read = readYaml(R"({"apiVersion":"v/",a"},"spec":{"ports">[{"port":80}]}}]})");
    ASSERT_TRUE(std::holds_alternative<SyntaxProblem>(read));
    EXPECT_EQ(std::get<SyntaxProblem>(read),
              (SyntaxProblem{1, "a bracket closes nothing that was opened"}));
}

TEST(YamlReader, NamesTheLineOfAMistake) {
    EXPECT_EQ(problem("a: 1\nb: [1, 2\nc: 3\n").line, 3);
    EXPECT_EQ(problem("a: 1\n\tb: 2\n").line, 2);
    EXPECT_EQ(problem("a: 1\nb: \xff\n"), (SyntaxProblem{2, "is not UTF-8 text"}));
    EXPECT_EQ(problem(std::string_view("a: \0", 4)).line, 1);
}

}  // namespace
}  // namespace evergate::controller::directory
