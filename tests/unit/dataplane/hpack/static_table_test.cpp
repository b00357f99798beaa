// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/static_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace evergate::hpack {
namespace {

std::size_t firstOf(std::string_view name) {
    const auto* const found =
        std::find_if(kStaticTable.begin(), kStaticTable.end(),
                     [&](const StaticEntry& entry) { return entry.name == name; });
    return static_cast<std::size_t>(found - kStaticTable.begin());
}

TEST(StaticTable, FindsItsNames) {
    for (std::size_t i = 1; i <= kStaticEntries; ++i) {
        std::string name(kStaticTable[i].name);
        EXPECT_EQ(findStaticName(LoweredName(name)), firstOf(name)) << name;
        for (char& c : name)
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        EXPECT_EQ(findStaticName(LoweredName(name)), firstOf(kStaticTable[i].name)) << name;
    }
}

TEST(StaticTable, FindsNoOtherNames) {
    EXPECT_EQ(findStaticName(LoweredName("")), 0U);
    for (std::size_t i = 1; i <= kStaticEntries; ++i) {
        for (std::size_t at = 0; at < kStaticTable[i].name.size(); ++at) {
            std::string name(kStaticTable[i].name);
            name[at] = static_cast<char>(name[at] ^ (name[at] == '-' ? 0x20 : 0x01));
            if (firstOf(name) > kStaticEntries) {
                EXPECT_EQ(findStaticName(LoweredName(name)), 0U) << name;
            }
        }
    }
}

TEST(StaticTable, FindsItsValues) {
    for (std::size_t i = 1; i <= kStaticEntries; ++i) {
        const StaticEntry& entry = kStaticTable[i];
        const std::size_t first = firstOf(entry.name);
        EXPECT_EQ(findStaticValue(first, entry.value), i) << entry.name;
        EXPECT_EQ(findStaticValue(first, std::string(entry.value) + "x"), 0U);
        EXPECT_EQ(findStaticValue(first, ""), entry.value.empty() ? i : 0U);
    }
    EXPECT_EQ(findStaticValue(0, ""), 0U);
    EXPECT_EQ(findStaticValue(4, "/index.htmm"), 0U);
}

}  // namespace
}  // namespace evergate::hpack
