// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/log_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::http {
namespace {

std::string json(std::string_view text) {
    std::string out;
    appendJsonString(text, out);
    return out;
}

std::string quoted(std::string_view text) {
    std::string out;
    appendQuoted(text, out);
    return out;
}

TEST(LogText, JsonEscapesWhatCouldEndTheString) {
    EXPECT_EQ(json(""), "\"\"");
    EXPECT_EQ(json("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(json("\r\n\t"), R"("\r\n\t")");
    EXPECT_EQ(json(std::string_view("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
}

TEST(LogText, JsonKeepsUtf8AndEscapesOtherBytes) {
    EXPECT_EQ(json("\xC3\xA9\xF0\x9F\x90\x98"), "\"\xC3\xA9\xF0\x9F\x90\x98\"");
    EXPECT_EQ(json("\xC0\xAF"), R"("\u00c0\u00af")");
    EXPECT_EQ(json("\xE2\x82"), R"("\u00e2\u0082")");
    EXPECT_EQ(json("\xED\xA0\x80"), R"("\u00ed\u00a0\u0080")");
}

TEST(LogText, QuotesOnlyWhenNeeded) {
    EXPECT_EQ(quoted(""), "-");
    EXPECT_EQ(quoted("-"), "\"-\"");
    EXPECT_EQ(quoted("/a?b=c"), "/a?b=c");
    EXPECT_EQ(quoted("a b"), "\"a b\"");
    EXPECT_EQ(quoted("a\"b\\"), R"("a\"b\\")");
    EXPECT_EQ(quoted("a\n\xC3"), R"("a\x0a\xc3")");
}

}  // namespace
}  // namespace evergate::http
