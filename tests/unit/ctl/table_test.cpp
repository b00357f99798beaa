// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace evergate::ctl {
namespace {

std::string printed(const Table& table) {
    std::ostringstream out;
    table.print(out);
    return out.str();
}

TEST(Table, AlignsColumnsAndEndsLinesWithoutSpaces) {
    Table table({"NAME", "STATE"});
    EXPECT_TRUE(table.empty());
    table.add({"a", "ready"});
    table.add({"longer", "x"});
    EXPECT_FALSE(table.empty());
    EXPECT_EQ(printed(table),
              "NAME    STATE\n"
              "a       ready\n"
              "longer  x\n");
}

TEST(Table, MarksWhatIsEmpty) {
    Table table({"A", "B"});
    table.add({"", ""});
    EXPECT_EQ(printed(table), "A  B\n-  -\n");
}

TEST(Table, ShowsNoControlCharacters) {
    Table table({"A"});
    table.add({"x\x1B[2J\ny"});
    EXPECT_EQ(printed(table), "A\nx?[2J?y\n");
}

}  // namespace
}  // namespace evergate::ctl
