// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/printable.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

TEST(Printable, KeepsPrintableAscii) {
    EXPECT_EQ(printable(""), "");
    EXPECT_EQ(printable("a ~!\"\\"), "a ~!\"\\");
}

TEST(Printable, ReplacesEverythingElse) {
    EXPECT_EQ(printable("a\n\x1B[31m\x7F\xC3\xA9"), "a??[31m???");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
}

TEST(Printable, CutsWhatIsLong) {
    EXPECT_EQ(printable("12345", 5), "12345");
    EXPECT_EQ(printable("123456", 5), "12345...");
}

}  // namespace
}  // namespace evergate::controller
