// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/dynamic_table.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <utility>

namespace evergate::hpack {
namespace {

using Model = std::deque<std::pair<std::string, std::string>>;

void expectSame(const DynamicTable& table, const Model& model) {
    ASSERT_EQ(table.count(), model.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < model.size(); ++i) {
        ASSERT_EQ(table.at(i).name, model[i].first);
        ASSERT_EQ(table.at(i).value, model[i].second);
        size += model[i].first.size() + model[i].second.size() + 32;
    }
    ASSERT_EQ(table.size(), size);
}

void evict(Model& model, std::size_t most) {
    std::size_t size = 0;
    std::size_t kept = 0;
    while (kept < model.size()) {
        size += model[kept].first.size() + model[kept].second.size() + 32;
        if (size > most)
            break;
        ++kept;
    }
    model.resize(kept);
}

TEST(DynamicTable, HasTheNewestFirst) {
    DynamicTable table;
    EXPECT_EQ(table.count(), 0U);
    EXPECT_TRUE(table.insert("a", "1"));
    EXPECT_TRUE(table.insert("b", ""));
    EXPECT_EQ(table.at(0).name, "b");
    EXPECT_EQ(table.at(1).value, "1");
    EXPECT_EQ(table.size(), 67U);
}

TEST(DynamicTable, IsEmptiedByWhatIsTooLarge) {
    DynamicTable table;
    table.insert("a", "1");
    EXPECT_TRUE(table.insert("", std::string(4'064, 'x')));
    EXPECT_EQ(table.count(), 1U);
    EXPECT_EQ(table.size(), 4'096U);
    EXPECT_FALSE(table.insert("", std::string(4'065, 'x')));
    EXPECT_EQ(table.count(), 0U);
    EXPECT_EQ(table.size(), 0U);
}

TEST(DynamicTable, HoldsEntriesOfNothing) {
    DynamicTable table;
    for (int i = 0; i < 1'000; ++i)
        EXPECT_TRUE(table.insert("", ""));
    EXPECT_EQ(table.count(), DynamicTable::kMaxEntries);
    table.resize(31);
    EXPECT_EQ(table.count(), 0U);
    EXPECT_FALSE(table.insert("", ""));
}

TEST(DynamicTable, TakesANameFromTheEntryThatGoes) {
    for (const std::size_t rounds : {1U, 7U, 100U}) {
        DynamicTable table;
        table.resize(100);
        const std::string name(30, 'n');
        table.insert(name, "0");
        for (std::size_t i = 0; i < rounds; ++i) {
            const std::string value(38, static_cast<char>('a' + i % 26));
            table.insert(table.at(0).name, value);
            ASSERT_EQ(table.count(), 1U);
            ASSERT_EQ(table.at(0).name, name);
            ASSERT_EQ(table.at(0).value, value);
        }
    }
}

TEST(DynamicTable, BehavesAsAList) {
    std::mt19937 random(2);
    DynamicTable table;
    Model model;
    for (int i = 0; i < 50'000; ++i) {
        const unsigned what = random() % 200;
        if (what == 0) {
            const std::size_t size = random() % 4'097;
            table.resize(size);
            evict(model, size);
        } else if (what == 1) {
            table.shrink();
        } else if (what == 2 && i % 7 == 0) {
            table.release();
            model.clear();
        } else {
            std::string name(random() % 30, static_cast<char>('a' + random() % 26));
            const std::string value(random() % (what == 3 ? 5'000 : 60), 'v');
            std::string_view given = name;
            if (table.count() != 0 && random() % 2 == 0) {
                given = table.at(random() % table.count()).name;
                name = given;
            }
            table.insert(given, value);
            model.emplace_front(name, value);
            evict(model, table.maxSize());
        }
        if (i % 50 == 0 || what < 5) {
            expectSame(table, model);
        }
    }
}

}  // namespace
}  // namespace evergate::hpack
