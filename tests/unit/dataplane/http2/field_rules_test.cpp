// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/field_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace evergate::http2 {
namespace {

TEST(FieldRules, ValuesMayHoldAllButControlBytesAndOuterSpace) {
    for (std::size_t size = 0; size < 20; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int c = 0; c < 256; ++c) {
                std::string value(size, 'a');
                value[at] = static_cast<char>(c);
                const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
                const bool outer = (c == ' ' || c == '\t') && (at == 0 || at + 1 == size);
                ASSERT_EQ(isFieldValue(value), !control && !outer) << size << " " << at << " " << c;
            }
        }
    }
    EXPECT_TRUE(isFieldValue(""));
    EXPECT_TRUE(isFieldValue("\x80\xff \t\xe2\x82\xac~~"));
    EXPECT_FALSE(isFieldValue("a\t\t\t\t\t\t\n~"));
}

TEST(FieldRules, NamesAreTokensWithoutUpperCase) {
    for (int c = 0; c < 256; ++c) {
        const char name[] = {'x', static_cast<char>(c)};
        const bool upper = c >= 'A' && c <= 'Z';
        const bool token = http::is(static_cast<char>(c), http::kTokenChar);
        EXPECT_EQ(isFieldName({name, 2}), token && !upper) << c;
    }
    EXPECT_FALSE(isFieldName(""));
}

TEST(FieldRules, AppendsFieldsAsLines) {
    std::string text = "a\r\n";
    appendField("x-a", "b c", text);
    appendField("x-b", "", text);
    EXPECT_EQ(text, "a\r\nx-a: b c\r\nx-b: \r\n");
}

}  // namespace
}  // namespace evergate::http2
