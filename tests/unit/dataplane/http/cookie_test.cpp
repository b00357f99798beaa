// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/cookie.hpp"

#include <gtest/gtest.h>

namespace evergate::http {
namespace {

TEST(FindCookie, FindsTheFirstOfThatName) {
    EXPECT_EQ(findCookie("a=1", "a"), "1");
    EXPECT_EQ(findCookie("x=0; a=1; a=2", "a"), "1");
    EXPECT_EQ(findCookie("x=0;a=1;y", "a"), "1");
    EXPECT_EQ(findCookie(" \ta=b=c ; z", "a"), "b=c");
    EXPECT_EQ(findCookie("a=\"1\"", "a"), "\"1\"");
}

TEST(FindCookie, NamesAreExact) {
    EXPECT_EQ(findCookie("ab=1; ba=2; A=3; a =4; a", "a"), "");
    EXPECT_EQ(findCookie("x=a=1", "a"), "");
    EXPECT_EQ(findCookie("x=\"; a=1\"", "a"), "1\"");  // quotes do not protect a semicolon
}

TEST(FindCookie, PassesOverWhatIsNoPair) {
    EXPECT_EQ(findCookie("", "a"), "");
    EXPECT_EQ(findCookie(";;; ;=;a", "a"), "");
    EXPECT_EQ(findCookie("a=", "a"), "");
    EXPECT_EQ(findCookie(";a=1;", "a"), "1");
}

}  // namespace
}  // namespace evergate::http
